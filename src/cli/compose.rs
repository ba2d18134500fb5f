//! The words of a task that none were given for: typed at a prompt, or written in the person's own editor.

use std::process::Command;

use super::context::Context;
use crate::agent::cancel::Signal;
use crate::base::fsx;
use crate::domain::failure::Failure;

/// What stands in the file for the editor; it and everything below it is no part of the task.
const CUT: &str = "---------- the task stands above this line; nothing above it ends vk ----------";
const MOST_BYTES: u64 = 1024 * 1024;

/// What the person wants done; empty where they said nothing.
///
/// # Errors
/// Ctrl-C (130), or an editor that did not work (2).
pub(super) fn words(context: &Context) -> Result<String, Failure> {
    let env = &context.env;
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| Some((name, env.get(name)?)));
    let or = editor.map_or_else(String::new, |(name, _)| format!(" (Enter opens ${name})"));
    let typed = context.ui.ask_line(&format!("what is to be done?{or}")).ok_or_else(|| Signal::Interrupt.failure())?;
    match editor {
        Some((name, editor)) if typed.trim().is_empty() => edited(context, name, editor),
        _ => Ok(typed),
    }
}

fn edited(context: &Context, name: &str, editor: &str) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::usage("editor_failed", format!("the editor of ${name} gave no task"))
            .why(why)
            .fix("vk run \"...\"")
            .fix(format!("export {name}=vi"))
    };
    let folder = tempfile::Builder::new().prefix("vk-task-").tempdir().map_err(|error| failed(error.to_string()))?;
    let file = folder.path().join("TASK.md");
    fsx::write_private(&file, format!("\n{CUT}\n").as_bytes()).map_err(|error| failed(error.to_string()))?;
    // As git does: the value may have arguments of its own.
    let status = Command::new("/bin/sh")
        .args(["-c", &format!("{editor} \"$@\""), editor])
        .arg(&file)
        .env_clear()
        .envs(context.env.without_ambient())
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(format!("\"{editor}\" ended with {status}")));
    }
    let bytes = fsx::read_bounded(&file, MOST_BYTES).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("what it wrote is not UTF-8 text".to_owned()))?;
    Ok(above(&text))
}

/// What stands above the line.
fn above(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.trim_end() != CUT);
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_above_the_line_is_the_task() {
        assert_eq!(above(&format!("\n# Title\n\ndo it\n{CUT}\nnot this\n")), "# Title\n\ndo it");
        assert_eq!(above(&format!("\n{CUT}\n")), "");
        assert_eq!(above("the line is gone\n"), "the line is gone");
    }
}
