//! What everything else stands on: money, secrets, time, the environment, files. No product rule lives here.

pub mod clock;
pub mod env;
pub mod fsx;
pub mod mask;
pub mod money;
pub mod name;
pub mod secret;
pub mod shell;
