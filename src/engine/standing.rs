//! What the programs of the plans say before anything is decided: who is logged in, how much of each plan is used, and
//! whether its account goes on as paid extra usage. Both are asked at the same time.

use std::path::Path;

use super::driven::programs;
use super::{claude, codex};
use crate::base::env::Env;
use crate::config::Settings;
use crate::config::provider::{CLAUDE, CODEX};
use crate::domain::quota::Told;
use crate::domain::route::EngineKind;
use crate::routing::plan::{PlanFact, Program, Standing, program};

/// Without settings only the logins are asked about: where a program goes is theirs to say.
#[must_use]
pub fn all(env: &Env, tree: &Path, settings: Option<&Settings>) -> Vec<PlanFact> {
    std::thread::scope(|scope| {
        let programs = [CLAUDE, CODEX].into_iter().filter_map(program);
        let asked: Vec<_> = programs.map(|program| scope.spawn(move || one(env, tree, settings, program))).collect();
        asked.into_iter().filter_map(|said| said.join().ok()).collect()
    })
}

fn one(env: &Env, tree: &Path, settings: Option<&Settings>, program: &Program) -> PlanFact {
    let mut fact =
        PlanFact { provider: program.name, standing: programs::standing(env, tree, program), told: Told::default() };
    if let Standing::LoggedIn { account, plan } = &mut fact.standing
        && let Some(file) = programs::find(env, tree, program)
        && let Some(provider) = settings.and_then(|settings| settings.providers.get(program.name))
        && let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build()
    {
        let address = &provider.base_url.value;
        let vars = programs::environment(env, tree, program, &[], None);
        if program.engine == EngineKind::Codex {
            let said = runtime.block_on(codex::told(&file, address, &vars));
            fact.told = said.0;
            *account = account.take().or(said.1);
            *plan = plan.take().or(said.2);
        } else {
            fact.told = runtime.block_on(claude::told(&file, address, &vars));
        }
    }
    fact
}
