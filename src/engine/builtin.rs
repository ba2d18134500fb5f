//! vk's own agent: for keys, gateways and free models.

use super::{Engine, Tally};
use crate::agent::session::Session;
use crate::domain::failure::Failure;

pub struct Builtin<'a>(pub Session<'a>);

impl Engine for Builtin<'_> {
    async fn run(&mut self) -> Result<String, Failure> {
        self.0.run().await
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.0.say(text)
    }

    fn tally(&self) -> Tally {
        Tally {
            spent: self.0.caller.spent,
            turns: self.0.turns,
            calls: self.0.caller.call_no,
            organization: self.0.caller.pinned.clone(),
        }
    }
}
