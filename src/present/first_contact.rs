//! What was found here and who would pay with it: the list of `vk` alone, and above the first question.

use std::fmt::Write as _;

use super::escape::escape_line;

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// What to press, where it can be chosen.
    pub key: Option<char>,
    pub what: String,
    pub who_pays: String,
    /// What makes it usable, where that is not a keypress: commands, or lines for a file.
    pub how: String,
}

/// The list: what was found and who would pay with it, and below it how to use what no key stands for.
#[must_use]
pub fn list(sights: &[Sight]) -> String {
    let has_keys = sights.iter().any(|sight| sight.key.is_some());
    let mut out = String::new();
    for sight in sights {
        let key = match sight.key {
            Some(key) => format!("{key}  "),
            None if has_keys => "-  ".to_owned(),
            None => String::new(),
        };
        let indent = " ".repeat(key.len() + 2);
        let _ = writeln!(out, "{key}{} · {}", escape_line(&sight.what), escape_line(&sight.who_pays));
        for line in sight.how.lines().filter(|_| sight.key.is_none()) {
            let _ = writeln!(out, "{indent}{}", escape_line(line));
        }
    }
    out
}

/// What `vk` alone says.
pub struct Overview<'a> {
    pub project: &'a str,
    /// The route line, or why there is none.
    pub route: Result<&'a str, &'a str>,
    pub sights: &'a [Sight],
    pub notes: &'a [String],
    /// The commands to type next, best first.
    pub next: &'a [String],
}

#[must_use]
pub fn overview(overview: &Overview<'_>) -> String {
    let mut out = format!("vk {} in {}\n", env!("CARGO_PKG_VERSION"), escape_line(overview.project));
    let _ = match overview.route {
        Ok(line) => writeln!(out, "\n  {}", escape_line(line)),
        Err(why) => writeln!(out, "\n  no route: {}", escape_line(why)),
    };
    for note in overview.notes {
        let _ = writeln!(out, "  {}", escape_line(note));
    }
    if !overview.sights.is_empty() {
        out.push_str("\nfound here\n");
        for line in list(overview.sights).lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    let mut label = "next";
    out.push('\n');
    for command in overview.next {
        let _ = writeln!(out, "{label:>4}  {}", escape_line(command));
        label = "";
    }
    let _ = writeln!(out, "{label:>4}  vk --help");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(key: Option<char>, what: &str, who_pays: &str, how: &str) -> Sight {
        Sight { key, what: what.into(), who_pays: who_pays.into(), how: how.into() }
    }

    #[test]
    fn a_fresh_machine_sees_what_is_there_and_what_to_type() {
        let sights = [
            sight(
                None,
                "ANTHROPIC_API_KEY is set",
                "you pay Anthropic at list price",
                "vk keys add anthropic --from-env ANTHROPIC_API_KEY",
            ),
            sight(None, "ollama answers", "nobody pays", "add to config.toml:\n[providers.ollama]\nkind = \"free\""),
        ];
        let next = ["vk keys add anthropic".to_owned(), "vk demo".to_owned()];
        let shown = overview(&Overview {
            project: "shop",
            route: Err("nothing says whose account pays"),
            sights: &sights,
            notes: &[],
            next: &next,
        });
        insta::assert_snapshot!(shown.replacen(env!("CARGO_PKG_VERSION"), "VERSION", 1), @r#"
        vk VERSION in shop

          no route: nothing says whose account pays

        found here
          ANTHROPIC_API_KEY is set · you pay Anthropic at list price
            vk keys add anthropic --from-env ANTHROPIC_API_KEY
          ollama answers · nobody pays
            add to config.toml:
            [providers.ollama]
            kind = "free"

        next  vk keys add anthropic
              vk demo
              vk --help
        "#);
    }

    #[test]
    fn what_can_be_chosen_has_its_key_in_front() {
        let sights = [
            sight(Some('1'), "key anthropic client-a 3f9c01aa", "you pay Anthropic at list price", ""),
            sight(None, "claude is not logged in", "your Claude plan covers it", "claude auth login"),
        ];
        insta::assert_snapshot!(list(&sights), @r"
        1  key anthropic client-a 3f9c01aa · you pay Anthropic at list price
        -  claude is not logged in · your Claude plan covers it
             claude auth login
        ");
    }
}
