//! `vk man`: every command on one manual page, made from the same types as the parser.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

use super::args;
use crate::domain::failure::Failure;
use crate::present;

/// What no single command's help says.
const MORE: &str = r".SH EXIT STATUS
The first cause decides.
.TP
\fB0\fR
done
.TP
\fB1\fR
not achieved: a check fails, the model gave up or refused, turns or time are used up
.TP
\fB2\fR
usage, configuration, an unknown model, a tree held by another task
.TP
\fB3\fR
no usable credential
.TP
\fB4\fR
the payer cannot or may not pay, or the proof of who paid is contradicted
.TP
\fB5\fR
the budget
.TP
\fB6\fR
the provider or the network, after retries
.TP
\fB7\fR
not trusted, or an approval is needed and nobody is there
.TP
\fB8\fR
no sandbox
.TP
\fB9\fR
the ledger cannot record
.TP
\fB130\fR, \fB143\fR
ended by SIGINT, by SIGTERM
.SH FILES
.TP
\fIvk.toml\fR
the project's choices, asked about once before they are used
.TP
\fI~/.config/vk/config.toml\fR
the user's own; \fBVK_CONFIG_DIR\fR moves the folder
.TP
\fI~/.local/share/vk\fR
the ledger, what undo needs, what is trusted; \fBVK_DATA_DIR\fR moves it
.SH ENVIRONMENT
.TP
\fBVK_PATH\fR, \fBVK_PROVIDER\fR, \fBVK_MODEL\fR, \fBVK_KEY\fR, \fBVK_BUDGET_TASK\fR
above every file, below the flags
.TP
\fBNO_COLOR\fR
no colours
.TP
\fBHTTPS_PROXY\fR, \fBNO_PROXY\fR, \fBSSL_CERT_FILE\fR
honoured, and shown
.PP
Credentials in the environment, such as ANTHROPIC_API_KEY, are never used unless \fB\-\-key env:NAME\fR names them.
";

/// # Errors
/// When stdout cannot be written.
pub fn run() -> Result<(), Failure> {
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let _ = write_page(&mut page);
    present::stdout(&String::from_utf8_lossy(&page))
}

fn write_page(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = args::visible();
    command.build();
    let man = Man::new(command.clone()).manual("vk").date("");
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    write_examples(page, &command)?;
    for inner in command.get_subcommands() {
        write_command(page, inner)?;
    }
    page.write_all(MORE.as_bytes())
}

/// A section for the command, its parts one level down, and then the commands inside it.
fn write_command(page: &mut Vec<u8>, command: &Command) -> io::Result<()> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
    let command = &command.clone().mut_arg("help", |help| help.hide(true));
    let man = Man::new(command.clone());
    let mut parts = Vec::new();
    man.render_description_section(&mut parts)?;
    man.render_synopsis_section(&mut parts)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut parts)?;
    }
    write_examples(&mut parts, command)?;
    let parts = String::from_utf8_lossy(&parts).replace(".SH DESCRIPTION\n", "").replace("\n.SH ", "\n.SS ");
    page.write_all(parts.as_bytes())?;
    for inner in command.get_subcommands() {
        write_command(page, inner)?;
    }
    Ok(())
}

/// The text after the help, line by line as it stands there.
fn write_examples(page: &mut Vec<u8>, command: &Command) -> io::Result<()> {
    let Some(text) = command.get_after_help().map(ToString::to_string) else { return Ok(()) };
    let (heading, examples) = text.split_once('\n').unwrap_or(("Examples:", &text));
    let heading = heading.split(':').next().unwrap_or_default().to_uppercase();
    writeln!(page, ".SH \"{heading}\"\n.nf")?;
    for line in examples.lines() {
        let line = line.strip_prefix("  ").unwrap_or(line).replace('\\', "\\e").replace('-', "\\-");
        // A line that begins like a request is none.
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        writeln!(page, "{guard}{line}")?;
    }
    writeln!(page, ".fi")
}
