//! The tools as a model sees them. Every word here is paid for with every request: few and exact.

use serde_json::{Value, json};

use super::Family;
use crate::domain::request::ToolSpec;

/// Longest view of a file, in characters; also told to the Anthropic editor tool.
pub(super) const VIEW_CHARACTERS: u32 = 32_768;

/// The grammar of V4A patches as OpenAI's models were trained to write them (openai/codex, `apply_patch.lark`,
/// 2026-08). The reader in [`super::patch`] takes more than this.
const V4A: &str = r#"start: begin hunk+ end
begin: "*** Begin Patch" LF
end: "*** End Patch" LF?
hunk: add | delete | update
add: "*** Add File: " path LF add_line+
delete: "*** Delete File: " path LF
update: "*** Update File: " path LF move? change?
path: /(.+)/
add_line: "+" /(.*)/ LF
move: "*** Move to: " path LF
change: (context | line)+ eof?
context: ("@@" | "@@ " /(.+)/) LF
line: ("+" | "-" | " ") /(.*)/ LF
eof: "*** End of File" LF
%import common.LF
"#;

/// The tools of a family. The same bytes every time, so that the prompt's prefix stays cached.
#[must_use]
pub fn specs(family: Family) -> Vec<ToolSpec> {
    match family {
        Family::Anthropic => {
            vec![ToolSpec::AnthropicBash, ToolSpec::AnthropicTextEditor { max_characters: VIEW_CHARACTERS }]
        }
        Family::OpenAi => vec![
            function(
                "shell",
                "Run a bash script. Directory and exported variables carry over to the next call.",
                &json!({"command": {"type": "string"}, "timeout_ms": {"type": "integer", "description": "default 120000"}}),
                &["command"],
            ),
            ToolSpec::Grammar {
                name: "apply_patch".into(),
                description: "Edit files by a patch, not wrapped in JSON. All of it is applied, or nothing.".into(),
                lark: V4A.into(),
            },
        ],
        Family::Plain => vec![
            function(
                "bash",
                "Run a bash script. Directory and exported variables carry over to the next call.",
                &json!({"command": {"type": "string"}, "timeout_s": {"type": "integer", "description": "default 120"}}),
                &["command"],
            ),
            function(
                "read",
                "Show a file with line numbers (\"12: \", not part of the file), or list a folder.",
                &json!({
                    "path": {"type": "string"},
                    "offset": {"type": "integer", "description": "first line, from 1"},
                    "limit": {"type": "integer", "description": "lines, at most 2000"},
                }),
                &["path"],
            ),
            function(
                "edit",
                "Replace text in a file. `old` must be exactly as in the file and occur once, unless `all`.",
                &json!({
                    "path": {"type": "string"},
                    "old": {"type": "string"},
                    "new": {"type": "string"},
                    "all": {"type": "boolean", "description": "replace every occurrence"},
                }),
                &["path", "old", "new"],
            ),
            function(
                "write",
                "Write a whole file, new or not.",
                &json!({"path": {"type": "string"}, "content": {"type": "string"}}),
                &["path", "content"],
            ),
            function(
                "grep",
                "Search files for a regular expression, git-ignored files left out.",
                &json!({
                    "pattern": {"type": "string"},
                    "path": {"type": "string", "description": "file or folder"},
                    "glob": {"type": "string", "description": "such as *.rs"},
                }),
                &["pattern"],
            ),
        ],
    }
}

fn function(name: &str, description: &str, properties: &Value, required: &[&str]) -> ToolSpec {
    ToolSpec::Function {
        name: name.into(),
        description: description.into(),
        schema: json!({"type": "object", "properties": properties, "required": required}),
    }
}
