//! `vk doctor`: what works here. Exit 1 only where something that `vk run` needs is broken.

use super::args::{DoctorArgs, ListOutput};
use super::context::Context;
use crate::config::Flags;
use crate::domain::failure::{Failure, Status};
use crate::present::{self, doctor, table};
use crate::task::health::{self, State};

/// # Errors
/// Exit 1 naming what is broken, after everything was shown.
pub async fn run(args: DoctorArgs, context: &Context) -> Result<(), Failure> {
    let findings = health::examine(&context.env, &Flags::default(), &context.ui).await;
    present::stdout(&match args.output {
        ListOutput::Json => doctor::json(&findings),
        ListOutput::Table => doctor::table(&findings, table::width(&context.env)),
    })?;
    let broken: Vec<&str> = findings.iter().filter(|f| f.state == State::Broken).map(|f| f.subject.as_str()).collect();
    if doctor::works(&findings) {
        return Ok(());
    }
    Err(Failure::new(Status::CheckFailed, "broken", format!("vk run cannot work here: {}", broken.join(", "))))
}
