//! When text is not found: what in the file comes nearest, so that the model's next attempt is its last.

use std::fmt::Write as _;

/// Lines of the file shown around the nearest place.
const SHOWN: usize = 12;
/// A line longer than this is cut where it is quoted, in characters.
const WIDTH: usize = 160;
/// Bounds on the search, so that a huge file costs no more than a large one.
const MOST_LINES: usize = 50_000;
const MOST_COMPARED: usize = 300;
const MOST_SOUGHT: usize = 40;

/// The place in `lines` that is most like `wanted`, quoted with its line numbers; `None` where nothing is alike.
pub(super) fn nearest(lines: &[&str], wanted: &[&str]) -> Option<String> {
    let (start, end) = (0, lines.len().min(MOST_LINES));
    let at = best_window(&lines[start..end], wanted).or_else(|| most_alike(&lines[start..end], wanted))?;
    let shown = wanted.len().clamp(1, SHOWN);
    let mut text = format!("Nearest, from line {}:\n{}", at + 1, numbered(lines, at, shown));
    let differing = wanted.iter().zip(&lines[at..]).find(|(wanted, line)| wanted != line);
    if let Some((wanted, line)) = differing {
        let only_space = wanted.split_whitespace().eq(line.split_whitespace());
        let how = if only_space { "First difference, in white space only" } else { "First difference" };
        let _ = write!(text, "\n{how}:\n  given {:?}\n  file  {:?}", cut(wanted), cut(line));
    }
    Some(text)
}

/// Lines as the view shows them: `12: text`.
pub(super) fn numbered(lines: &[&str], start: usize, count: usize) -> String {
    let end = start.saturating_add(count).min(lines.len());
    let shown: Vec<String> = lines
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .zip(start + 1..)
        .map(|(line, n)| format!("{n}: {}", cut(line)))
        .collect();
    shown.join("\n")
}

pub(super) fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// Where most of the wanted lines stand, whatever their white space; the earliest of equals. Blank lines and lone
/// braces say nothing and are not looked for.
fn best_window(lines: &[&str], wanted: &[&str]) -> Option<usize> {
    let telling = |line: &str| line.chars().filter(|c| c.is_alphanumeric()).count() >= 2;
    let sought: Vec<(usize, &str)> =
        wanted.iter().map(|line| line.trim()).enumerate().filter(|(_, line)| telling(line)).take(MOST_SOUGHT).collect();
    let found_from = |start: usize| {
        sought
            .iter()
            .filter(|(offset, text)| lines.get(start + offset).is_some_and(|line| line.trim() == *text))
            .count()
    };
    let mut best: Option<(usize, usize)> = None;
    for (index, line) in lines.iter().enumerate() {
        // A line that is sought implies where the block would start.
        let Some((offset, _)) = sought.iter().find(|(_, text)| line.trim() == *text) else { continue };
        let Some(start) = index.checked_sub(*offset) else { continue };
        let score = found_from(start);
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, start));
        }
    }
    best.map(|(_, start)| start)
}

/// The line most like the first telling wanted line, by its letter pairs.
fn most_alike(lines: &[&str], wanted: &[&str]) -> Option<usize> {
    let (offset, target) =
        wanted.iter().map(|line| line.trim()).enumerate().max_by_key(|(_, line)| line.len().min(80))?;
    if target.len() < 4 || target.len() > MOST_COMPARED {
        return None;
    }
    let alike = |line: &str| {
        let line = line.trim();
        if line.len() > MOST_COMPARED { 0.0 } else { strsim::sorensen_dice(line, target) }
    };
    let (index, score) =
        lines.iter().map(|line| alike(line)).enumerate().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
    (score >= 0.6).then(|| index.saturating_sub(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str, wanted: &str) -> Option<String> {
        nearest(&file.lines().collect::<Vec<_>>(), &wanted.lines().collect::<Vec<_>>())
    }

    #[test]
    fn the_place_with_most_of_the_lines_is_shown() {
        let file = "fn a() {\n    one();\n}\n\nfn b() {\n    one();\n    two();\n}\n";
        insta::assert_snapshot!(of(file, "    one();\n    too();\n    two();").unwrap(), @r#"
        Nearest, from line 2:
        2:     one();
        3: }
        4: 
        First difference:
          given "    too();"
          file  "}"
        "#);
        insta::assert_snapshot!(of(file, "fn b() {\n\tone();").unwrap(), @r#"
        Nearest, from line 5:
        5: fn b() {
        6:     one();
        First difference, in white space only:
          given "\tone();"
          file  "    one();"
        "#);
    }

    #[test]
    fn one_altered_line_is_found_by_its_likeness() {
        let file = "alpha\nlet total = items.iter().sum::<u32>();\nomega\n";
        insta::assert_snapshot!(of(file, "let total = items.iter().sum::<u64>();").unwrap(), @r#"
        Nearest, from line 2:
        2: let total = items.iter().sum::<u32>();
        First difference:
          given "let total = items.iter().sum::<u64>();"
          file  "let total = items.iter().sum::<u32>();"
        "#);
        assert_eq!(of(file, "nothing like this at all here"), None);
        assert_eq!(of("", "x"), None);
        assert_eq!(of("a\nb", ""), None);
    }

    #[test]
    fn a_huge_file_is_searched_quickly() {
        let file = "same line here\n".repeat(60_000);
        let wanted = format!("{}other\n", "same line here\n".repeat(500));
        let started = std::time::Instant::now();
        assert!(of(&file, &wanted).is_some());
        assert!(started.elapsed().as_secs() < 5);
    }
}
