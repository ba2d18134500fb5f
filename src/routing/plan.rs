//! The two plans: which program each pays for, and what that program says of its login. The programs are asked in
//! `engine/`; nothing is run here.

use super::Facts;
use crate::config::provider::{CLAUDE, CODEX};
use crate::config::{Edge, EdgeTarget};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;
use crate::domain::quota::{ExtraUsage, Told};
use crate::domain::route::{CredentialRef, EngineKind};

/// The word that names a program's own login where a key's label could stand.
pub const OWN_LOGIN: &str = "login";

/// What a plan's program said when it was asked who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFact {
    pub provider: &'static str,
    pub standing: Standing,
    /// What it says of the plan itself, where it is logged in with one.
    pub told: Told,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// With a plan; what the program says of it.
    LoggedIn {
        account: Option<String>,
        plan: Option<String>,
    },
    /// With something that is billed per token, in the program's own word for it.
    NoPlan(String),
    LoggedOut,
    /// There is no such program in `PATH`.
    Missing,
    TooOld {
        found: String,
        needed: &'static str,
    },
    /// It was started and did not say.
    Unclear(String),
}

impl Standing {
    /// The account and what its plan is called, as far as the program says.
    #[must_use]
    pub fn whose(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::LoggedIn { account, plan } => (account.as_deref(), plan.as_deref()),
            _ => (None, None),
        }
    }
}

/// A program that a plan pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Of the provider, of the program's file, of the engine.
    pub name: &'static str,
    /// As its maker writes it: "Claude".
    pub shown: &'static str,
    pub engine: EngineKind,
    pub install: &'static str,
    pub login: &'static str,
    /// The variable in which it takes a token.
    pub token: &'static str,
    /// The oldest version whose answers were measured to be what the engine expects.
    pub needed: &'static str,
}

/// Versions: the oldest of each that was driven here (2026-11-24).
const PROGRAMS: [Program; 2] = [
    Program {
        name: CLAUDE,
        shown: "Claude",
        engine: EngineKind::Claude,
        install: "npm install -g @anthropic-ai/claude-code",
        login: "claude auth login",
        token: "CLAUDE_CODE_OAUTH_TOKEN",
        needed: "2.1.197",
    },
    Program {
        name: CODEX,
        shown: "Codex",
        engine: EngineKind::Codex,
        install: "npm install -g @openai/codex",
        login: "codex login",
        token: "CODEX_ACCESS_TOKEN",
        needed: "0.169.0",
    },
];

/// The program of a plan, by the provider's name.
#[must_use]
pub fn program(provider: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| program.name == provider)
}

/// Whether a login that vk keeps can drive the program. codex takes none of a ChatGPT account from outside (measured
/// with 0.169.0), so there the program's own login pays.
#[must_use]
pub fn takes_stored(provider: &str, builtin: bool) -> bool {
    provider == CLAUDE || is_called(provider, builtin)
}

/// Whether vk's own loop calls the plan's service itself: what `--engine builtin` asks for, and only OpenAI takes.
#[must_use]
pub fn is_called(provider: &str, builtin: bool) -> bool {
    builtin && provider == CODEX
}

/// Who runs the loop for a provider.
#[must_use]
pub fn engine(path: PayPath, provider: &str, builtin: bool) -> EngineKind {
    let program = program(provider).filter(|_| !is_called(provider, builtin));
    program.filter(|_| path == PayPath::Subscription).map_or(EngineKind::Builtin, |program| program.engine)
}

impl Program {
    /// Why its own login cannot pay, and what mends that; `None` where it can.
    #[must_use]
    pub fn why_not(&self, standing: Option<&Standing>) -> Option<Failure> {
        let Self { name, shown, install, login, .. } = self;
        let failure = |code, what: String| Failure::new(Status::NoCredential, code, what);
        Some(match standing {
            Some(Standing::LoggedIn { .. }) => return None,
            None | Some(Standing::Missing) => failure("no_program", format!("{name} is not installed"))
                .why(format!("a {shown} plan pays only for its own program"))
                .fix(*install)
                .fix(*login),
            Some(Standing::LoggedOut) => failure("not_logged_in", format!("{name} is not logged in")).fix(*login),
            Some(Standing::NoPlan(with)) => {
                failure("no_plan", format!("{name} is logged in with {with}, which is billed per token"))
                    .why("the path is subscription: only a plan pays there")
                    .fix(*login)
            }
            Some(Standing::TooOld { found, needed }) => {
                failure("program_too_old", format!("{name} is at version {found}, and vk needs {needed} or newer"))
                    .fix(format!("{install}@latest"))
            }
            Some(Standing::Unclear(why)) => {
                failure("program_unclear", format!("{name} did not say who is logged in")).why(why.clone()).fix(*login)
            }
        })
    }
}

/// Extra usage of a plan: what its program says of its own login's account, and whether an edge of the user's allows
/// it. Of a token's account nobody says anything before it is used.
pub(super) fn extra_usage(
    facts: &Facts<'_>,
    path: PayPath,
    provider: &str,
    paid_by: &CredentialRef,
) -> Option<ExtraUsage> {
    let told = facts.plans.iter().find(|plan| plan.provider == provider && *paid_by == CredentialRef::Login);
    let allows = |edge: &Edge| edge.to == EdgeTarget::Overage && edge.from.is(path, provider, paid_by);
    (path == PayPath::Subscription).then(|| ExtraUsage {
        account: told.map(|plan| plan.told.overage).unwrap_or_default(),
        is_allowed: facts.settings.fallback.iter().any(|edge| allows(&edge.value)),
    })
}

/// Who pays, in one clause; said where vk's own loop calls the plan and not its own program.
pub(super) fn payer(provider: &str, standing: Option<&Standing>, builtin: bool) -> String {
    let by = if is_called(provider, builtin) { ", called by vk's own loop" } else { "" };
    format!("your {} plan covers it{by}", shown(provider, standing))
}

/// What a plan is called beside its program's name: "Claude Max".
#[must_use]
pub fn shown(provider: &str, standing: Option<&Standing>) -> String {
    let name = program(provider).map_or(provider, |program| program.shown);
    match standing {
        Some(Standing::LoggedIn { plan: Some(plan), .. }) => {
            let plan = plan.trim_start_matches(name).trim();
            let mut letters = plan.chars();
            let plan: String =
                letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
            format!("{name} {plan}").trim_end().to_owned()
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, key};
    use super::*;

    fn with(standing: Standing) -> World {
        let mut world = World::new().path(PayPath::Subscription).anthropic_key("a");
        world.plans = vec![PlanFact { provider: CLAUDE, standing, told: Told::default() }];
        world
    }

    fn logged_in() -> Standing {
        Standing::LoggedIn { account: Some("a@b.c".to_owned()), plan: Some("max".to_owned()) }
    }

    #[test]
    fn the_only_login_pays_and_its_program_runs_the_loop() {
        let route = with(logged_in()).route();
        assert_eq!((route.engine, route.provider.as_str()), (EngineKind::Claude, "claude"));
        assert_eq!((route.credential, route.cap), (CredentialRef::Login, None));
        assert_eq!(
            (route.payer.as_str(), route.model.as_str()),
            ("your Claude Max plan covers it", "claude-sonnet-5-5")
        );
        let (code, exit, told) = with(logged_in()).model("gpt").refused();
        assert_eq!((code, exit), ("unknown_model", 2), "{told}");
    }

    #[test]
    fn what_keeps_a_plan_from_paying_is_said_with_its_command() {
        for (standing, code, word) in [
            (Standing::Missing, "no_program", "npm install -g @anthropic-ai/claude-code"),
            (Standing::LoggedOut, "not_logged_in", "claude auth login"),
            (Standing::NoPlan("api_key".to_owned()), "no_plan", "billed per token"),
            (Standing::TooOld { found: "1.0.0".to_owned(), needed: "2.0.0" }, "program_too_old", "@latest"),
            (Standing::Unclear("it hung".to_owned()), "program_unclear", "it hung"),
        ] {
            let (got, exit, told) = with(standing).on("claude").refused();
            assert_eq!((got, exit), (code, 3));
            assert!(told.contains(word), "{told}");
        }
    }

    /// What vk keeps of a Codex login cannot drive codex, so it is neither taken nor in the way.
    #[test]
    fn a_stored_login_of_codex_is_no_payer_here() {
        let mut world = World::new().path(PayPath::Subscription);
        world.keys.push(key("codex", "default", "https://chatgpt.com"));
        assert_eq!(world.refused().0, "no_provider");
        let standing = Standing::LoggedIn { account: None, plan: None };
        world.plans = vec![PlanFact { provider: CODEX, standing, told: Told::default() }];
        assert_eq!(world.route().credential, CredentialRef::Login);
        world.settings.key =
            Some(crate::config::Sourced::built_in(crate::config::KeyChoice::Label("default".to_owned())));
        assert_eq!(world.on("codex").refused().0, "login_not_taken");
    }

    /// Two accounts could pay: the login and a token. Neither is taken for the other.
    #[test]
    fn a_token_beside_a_login_is_a_choice() {
        let token = |world: &mut World| world.keys.push(key("claude", "ci", "https://api.anthropic.com"));
        let mut world = with(logged_in());
        token(&mut world);
        let (code, exit, told) = world.refused();
        assert_eq!((code, exit), ("several_keys", 2));
        assert!(told.contains("--key login") && told.contains("--key ci"), "{told}");
        let mut world = with(Standing::LoggedOut);
        token(&mut world);
        assert_eq!(world.route().credential.label().as_deref(), Some("ci"));
        assert_eq!(world.route().payer, "your Claude plan covers it");
    }
}
