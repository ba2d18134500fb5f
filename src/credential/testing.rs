//! The person that tests of this folder ask.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::base::secret::Secret;
use crate::domain::event::Event;
use crate::domain::ui::{Question, Ui};

/// Somebody who types what they were told to, in order, and then nothing; or nobody.
pub(crate) struct Person {
    secrets: Mutex<VecDeque<&'static str>>,
    pub(crate) heard: Mutex<Vec<String>>,
    here: bool,
}

impl Person {
    pub(crate) fn nobody() -> Arc<Self> {
        Arc::new(Self { secrets: Mutex::default(), heard: Mutex::default(), here: false })
    }

    pub(crate) fn typing(secrets: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { secrets: Mutex::new(secrets.iter().copied().collect()), heard: Mutex::default(), here: true })
    }

    pub(crate) fn has_typed_all(&self) -> bool {
        self.secrets.lock().unwrap().is_empty()
    }
}

impl Ui for Person {
    fn event(&self, _: &Event) {}

    fn say(&self, line: &str) {
        self.heard.lock().unwrap().push(line.to_owned());
    }

    fn interactive(&self) -> bool {
        self.here
    }

    fn ask(&self, _: &Question) -> Option<char> {
        None
    }

    fn ask_line(&self, _: &str) -> Option<String> {
        None
    }

    fn ask_secret(&self, _: &str) -> Option<Secret> {
        self.secrets.lock().unwrap().pop_front().map(Secret::new)
    }
}
