//! Before a server of this machine is given a task: that it is one and no gateway, that the model runs here and takes
//! tools, and that its context is large enough. A server that cuts a long prompt says nothing of it.

use crate::base::shell;
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::domain::route::{CredentialRef, Route};
use crate::domain::ui::Ui;
use crate::net::http::Client;
use crate::provider::local::{self, Kind, LocalModel};
use crate::routing;

/// What a coding task is comfortable with. Source: ollama, docs/context-length.mdx (2026-08): at least 64,000.
const COMFORTABLE: u64 = 65_536;

/// Checks the route's server and model; the route then has the context that is in force.
///
/// # Errors
/// Exit 2 for a gateway, and for a model that is not run here, takes no tools or has too small a context, with the
/// command that mends it. A server that does not answer is told by the task's first call.
pub async fn check(client: &Client, route: &mut Route, needed: u64, ui: &dyn Ui) -> Result<(), Failure> {
    let is_server = matches!(route.credential, CredentialRef::None) && route.is_local();
    if route.path != PayPath::Free || !is_server || route.rehearsed {
        return Ok(());
    }
    let Ok(server) = local::look(client, &route.base_url).await else { return Ok(()) };
    if let Some(gateway) = &server.gateway {
        return Err(not_free(route, gateway));
    }
    let listed = server.models.iter().find(|model| model.id == route.model);
    if server.kind == Kind::Ollama && listed.is_some_and(|model| model.context.is_none() && !model.hosted) {
        ui.say(&format!("Ollama loads {}", route.model));
    }
    let model = local::in_force(client, &route.base_url, &server, &route.model).await.ok().flatten();
    let Some(model) = model else { return Ok(()) };
    if model.hosted {
        return Err(routing::hosted(&route.provider, &route.model));
    }
    if model.tools == Some(false) {
        let what = format!("{} takes no tools, so it cannot work on a repository", route.model);
        return Err(Failure::usage("no_tools", what).fix("vk models pool"));
    }
    match model.context {
        Some(context) if context < needed => Err(too_small(route, server.kind, &model, context, needed)),
        Some(context) => {
            route.context = context;
            route.max_output = route.max_output.min(u32::try_from(context / 4).unwrap_or(u32::MAX));
            Ok(())
        }
        None => {
            if let Some(command) = server.kind.with_context(&route.model, enough(needed, model.most)) {
                ui.say(&format!("how much context {} has is not known before it runs; {command}", route.model));
            }
            Ok(())
        }
    }
}

fn not_free(route: &Route, gateway: &str) -> Failure {
    let provider = &route.provider;
    let what = format!("what answers as {provider} at {} is {gateway}, and no model server", route.base_url);
    Failure::usage("gateway_not_free", what)
        .why("somebody may pay behind it, so nobody-pays would not be so; nothing was sent")
        .fix("vk use platform --provider litellm --model ID")
        .fix("vk doctor")
}

fn too_small(route: &Route, kind: Kind, model: &LocalModel, context: u64, needed: u64) -> Failure {
    let id = &route.model;
    let what = format!("{id} has {context} tokens of context, and this task needs {needed} at least");
    let why = match kind {
        Kind::Ollama => "Ollama would cut the prompt without a word; nothing was sent",
        _ => "the prompt and what the tools answer would not fit; nothing was sent",
    };
    let failure = Failure::usage("context_too_small", what);
    if let Some(most) = model.most.filter(|most| *most < needed) {
        return failure
            .why(format!("it was trained for {most} tokens, so its context cannot be raised; nothing was sent"))
            .fix("vk models pool")
            .fix(format!("vk run --path free --provider {} --model OTHER \"...\"", shell::word(&route.provider)));
    }
    let failure = failure.why(why);
    match kind.with_context(id, enough(needed, model.most)) {
        Some(command) => failure.fix(command),
        None => failure.fix("vk models pool"),
    }
}

/// What to raise the context to: comfortable, enough for this task, and not beyond what the model was made for.
fn enough(needed: u64, most: Option<u64>) -> u64 {
    let wanted = COMFORTABLE.max(needed.checked_next_power_of_two().unwrap_or(needed));
    most.map_or(wanted, |most| wanted.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_raised_to_what_helps_and_no_further_than_it_can_be() {
        assert_eq!(enough(16_384, None), 65_536);
        assert_eq!(enough(100_000, None), 131_072);
        assert_eq!(enough(16_384, Some(40_960)), 40_960);
    }
}
