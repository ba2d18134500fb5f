//! What every command is given: the environment as it was at the start, and the person at the terminal.

use std::sync::Arc;

use crate::base::env::Env;
use crate::domain::ui::Ui;

pub struct Context {
    pub env: Env,
    pub ui: Arc<dyn Ui>,
}
