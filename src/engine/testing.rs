//! Nobody at a terminal, for the tests of this folder.

use crate::base::secret::Secret;
use crate::domain::event::Event;
use crate::domain::ui::{Question, Ui};

pub(super) struct Nobody;

impl Ui for Nobody {
    fn event(&self, _: &Event) {}

    fn say(&self, _: &str) {}

    fn interactive(&self) -> bool {
        false
    }

    fn ask(&self, _: &Question) -> Option<char> {
        None
    }

    fn ask_line(&self, _: &str) -> Option<String> {
        None
    }

    fn ask_secret(&self, _: &str) -> Option<Secret> {
        None
    }
}
