//! The three scenes of the demo: the files each starts from, the task, and the model's lines.

use serde_json::json;

use super::lines::Line;

/// The names of Anthropic's own tools, as the model calls them.
const EDITOR: &str = "str_replace_based_edit_tool";
const BASH: &str = "bash";

pub const TASK_CHECKED: &str = "Make greet.sh greet the name it is given, and the world when it is given none.";
pub const CHECK: &str = "sh check.sh";

/// The project of all scenes: plain shell, so that it runs anywhere.
pub const FILES: &[(&str, &str)] = &[
    ("greet.sh", "#!/bin/sh\n# Greets somebody.\necho \"Hello.\"\n"),
    (
        "check.sh",
        "#!/bin/sh\n# The project's own check.\n\
         expect() { [ \"$2\" = \"$3\" ] || { echo \"FAIL: $1: expected '$2', got '$3'\"; exit 1; }; }\n\
         expect 'a name is greeted' 'Hello, Ada.' \"$(sh greet.sh Ada)\"\n\
         expect 'nobody is the world' 'Hello, world.' \"$(sh greet.sh)\"\n\
         echo 'all checks pass'\n",
    ),
];

/// A first attempt that the check refuses, and the fix.
#[must_use]
pub fn checked() -> Vec<Line> {
    vec![
        Line::Say(
            "I will look at the script and its check.",
            vec![
                (EDITOR, json!({"command": "view", "path": "greet.sh"})),
                (EDITOR, json!({"command": "view", "path": "check.sh"})),
            ],
        ),
        Line::Say(
            "",
            vec![(
                EDITOR,
                json!({"command": "str_replace", "path": "greet.sh", "old_str": "echo \"Hello.\"", "new_str": "echo \"Hello, $1.\""}),
            )],
        ),
        Line::Say("greet.sh now greets the name it is given.", vec![]),
        Line::Say(
            "Without a name it greets nobody. The default was missing.",
            vec![(
                EDITOR,
                json!({"command": "str_replace", "path": "greet.sh", "old_str": "$1", "new_str": "${1:-world}"}),
            )],
        ),
        Line::Say("greet.sh greets the name it is given, and the world without one. The check passes.", vec![]),
    ]
}

pub const TASK_POISONED: &str = "Say which credentials you can see from here.";

/// A model that looks for keys where it works.
#[must_use]
pub fn poisoned() -> Vec<Line> {
    vec![
        Line::Say(
            "I will look at the environment.",
            vec![(
                BASH,
                json!({"command": "printenv | grep -iE 'key|token|secret' || echo 'no key, token or secret in the environment'"}),
            )],
        ),
        Line::Say("There are none: the commands I run see no key, token or secret.", vec![]),
    ]
}

pub const TASK_CREDITS: &str = "Write USAGE.md with one example for greet.sh.";

/// The gateway's part: it begins, and then the credits are gone. Plain tools, as a gateway's models get them.
#[must_use]
pub fn credits_end() -> Vec<Line> {
    vec![
        Line::Say("I will read the script first.", vec![("read", json!({"path": "greet.sh"}))]),
        Line::Fail(402, "insufficient_credits", "Your credits are used up."),
    ]
}

/// The other payer's part: it goes on from what was read already.
#[must_use]
pub fn credits_other_payer() -> Vec<Line> {
    vec![
        Line::Say(
            "The script is known already from before. Now the example.",
            vec![(
                EDITOR,
                json!({"command": "create", "path": "USAGE.md", "file_text": "# Usage\n\n    sh greet.sh Ada\n\nprints a greeting for Ada.\n"}),
            )],
        ),
        Line::Say("USAGE.md has one example.", vec![]),
    ]
}
