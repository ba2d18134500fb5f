//! Models under which nobody pays, told by their ids: what costs money elsewhere is refused before it is asked for.

use crate::config::provider::OPENROUTER;
use crate::domain::failure::Failure;

/// Some that were live on 2026-08-20; the list changes from week to week.
/// Source: openrouter.ai/api/v1/models, models with a price of 0 and tools.
pub(super) const AT_OPENROUTER: [&str; 3] =
    ["openai/gpt-oss-20b:free", "google/gemma-4-31b-it:free", "cohere/north-mini-code:free"];

/// The id that stands for whatever is free there at the moment.
const ROUTER: &str = "openrouter/free";

/// Whether the id is one that cannot cost money at this provider.
///
/// # Errors
/// Exit 2 for a model that the provider sells, or hands on to a service that does.
pub(super) fn check(provider: &str, id: &str) -> Result<(), Failure> {
    if provider == OPENROUTER {
        if id.ends_with(":free") || id == ROUTER {
            return Ok(());
        }
        return Err(Failure::usage("not_free", format!("{id} costs money at {provider}, and the path is free"))
            .why("only ids that end in :free are at $0 there")
            .fix(format!("--model {id}:free"))
            .fix(format!("--path platform --provider {provider} --model {id}")));
    }
    // Ollama hands these on to its own paid service. Source: ollama, docs/cloud.mdx (2026-08).
    if id.ends_with(":cloud") || id.ends_with("-cloud") {
        let what = format!("{id} does not run on this machine: {provider} hands it to its own service");
        return Err(Failure::usage("not_free", what)
            .why("that service has limits and prices, so nobody-pays would not be so")
            .fix("ollama list   # the models that are here"));
    }
    Ok(())
}
