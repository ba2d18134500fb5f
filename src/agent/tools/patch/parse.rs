//! The text of a patch as operations. Lenient where codex is: padded markers, a heredoc around the patch, a first
//! hunk without `@@`, an empty line for an empty context line.

/// One `*** … File:` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) path: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Add { content: String },
    Delete,
    Update { move_to: Option<String>, hunks: Vec<Hunk> },
}

/// A block of an update: where to look, and what stands there before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// `@@` lines, each sought below the one before.
    pub(super) anchors: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) end_of_file: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Context(String),
    Removed(String),
    Added(String),
}

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";

/// # Errors
/// A sentence for the model, with the line of the patch where that helps.
pub(super) fn parse(patch: &str) -> Result<Vec<Operation>, String> {
    let lines = unwrap(patch);
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Err("the patch is empty".to_owned());
    };
    if first.trim() != BEGIN {
        return Err(format!("the first line of the patch must be \"{BEGIN}\""));
    }
    let end = lines.iter().position(|line| line.trim_end() == END || (line.trim() == END && !line.starts_with(' ')));
    let end = match end {
        Some(end) => end,
        None if lines.len() > 1 && last.trim() == END => lines.len() - 1,
        None => return Err(format!("the last line of the patch must be \"{END}\"; it may have been cut off")),
    };
    if let Some(extra) = lines[end + 1..].iter().find(|line| !line.trim().is_empty()) {
        return Err(format!("there is text after \"{END}\": {extra:?}"));
    }
    let mut reader = Reader::default();
    for (index, line) in lines.iter().enumerate().take(end).skip(1) {
        reader.line(index + 1, line)?;
    }
    reader.finish()
}

/// The lines of the patch without what models wrap around it: a heredoc, the command's name, a code fence.
fn unwrap(patch: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = patch.trim().lines().map(|line| line.trim_end_matches('\r')).collect();
    let wrapped = |line: &str| ["<<", "apply_patch", "applypatch", "```"].iter().any(|start| line.starts_with(start));
    if lines.len() > 2 && lines.first().is_some_and(|line| wrapped(line.trim())) {
        lines.remove(0);
        if lines.last().is_some_and(|line| line.trim() != END) {
            lines.pop();
        }
    }
    lines
}

#[derive(Default)]
struct Reader {
    done: Vec<Operation>,
    /// The line of the patch at which the operation being read starts.
    started: usize,
    begun: bool,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let begun = std::mem::replace(&mut self.begun, true);
        // Inside an update a line that starts with a space is context, whatever follows.
        let header = if self.in_update() { line.trim_end() } else { line.trim() };
        if let Some(operation) = header_of(header) {
            self.close()?;
            self.done.push(operation);
            self.started = number;
            return Ok(());
        }
        let unexpected = || {
            format!(
                "line {number} of the patch, {line:?}, is not \"*** Add File: path\", \"*** Update File: path\" or \
                 \"*** Delete File: path\""
            )
        };
        match self.done.last_mut().map(|operation| &mut operation.kind) {
            None if !begun && header.starts_with("*** Environment ID: ") => Ok(()),
            None | Some(Kind::Delete) if line.trim().is_empty() => Ok(()),
            None | Some(Kind::Delete) => Err(unexpected()),
            Some(Kind::Add { content }) => match line.strip_prefix('+') {
                Some(text) => {
                    content.push_str(text);
                    content.push('\n');
                    Ok(())
                }
                None if line.trim().is_empty() => Err(format!(
                    "line {number} of the patch is empty; every line of an added file starts with \"+\", empty ones too"
                )),
                None => {
                    Err(format!("line {number} of the patch, {line:?}, is in an added file and must start with \"+\""))
                }
            },
            Some(Kind::Update { move_to, hunks }) => {
                if let Some(to) = header.strip_prefix("*** Move to: ").filter(|_| hunks.is_empty() && move_to.is_none())
                {
                    *move_to = Some(to.trim().to_owned());
                    return Ok(());
                }
                update_line(hunks, number, line)
            }
        }
    }

    fn in_update(&self) -> bool {
        matches!(self.done.last(), Some(Operation { kind: Kind::Update { .. }, .. }))
    }

    /// Checks the operation that ends here.
    fn close(&self) -> Result<(), String> {
        let Some(Operation { path, kind: Kind::Update { move_to, hunks } }) = self.done.last() else { return Ok(()) };
        if hunks.iter().all(Hunk::is_blank) && move_to.is_none() {
            return Err(format!("the update of {path} (line {} of the patch) has no changes", self.started));
        }
        match hunks.iter().position(|hunk| hunk.lines.is_empty()) {
            Some(index) => Err(format!("hunk {} of {path} has an @@ line and nothing under it", index + 1)),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<Vec<Operation>, String> {
        self.close()?;
        if self.done.is_empty() { Err("the patch changes no file".to_owned()) } else { Ok(self.done) }
    }
}

fn header_of(line: &str) -> Option<Operation> {
    let path = |marker: &str| line.strip_prefix(marker).map(|path| path.trim().to_owned());
    if let Some(path) = path("*** Add File: ") {
        return Some(Operation { path, kind: Kind::Add { content: String::new() } });
    }
    if let Some(path) = path("*** Delete File: ") {
        return Some(Operation { path, kind: Kind::Delete });
    }
    path("*** Update File: ").map(|path| Operation { path, kind: Kind::Update { move_to: None, hunks: Vec::new() } })
}

fn update_line(hunks: &mut Vec<Hunk>, number: usize, line: &str) -> Result<(), String> {
    let bare = line.trim();
    if line.trim_end() == "*** End of File" {
        if let Some(hunk) = hunks.last_mut() {
            hunk.end_of_file = true;
        }
        return Ok(());
    }
    if !line.starts_with([' ', '+', '-']) && (bare == "@@" || bare.starts_with("@@ ")) {
        // Empty lines between the header and the first `@@` are no hunk; an `@@` under another narrows the same one.
        if let Some(hunk) = hunks.last_mut().filter(|hunk| hunk.is_blank()) {
            hunk.lines.clear();
        }
        if hunks.last().is_none_or(|hunk| !hunk.lines.is_empty()) {
            hunks.push(Hunk::default());
        }
        if let (Some(hunk), Some(anchor)) = (hunks.last_mut(), anchor(bare)) {
            hunk.anchors.push(anchor);
        }
        return Ok(());
    }
    if hunks.is_empty() {
        hunks.push(Hunk::default());
    }
    let Some(hunk) = hunks.last_mut() else { return Ok(()) };
    let parsed = match line.chars().next() {
        None if hunk.end_of_file => return Ok(()),
        None => Line::Context(String::new()),
        Some(' ') => Line::Context(line[1..].to_owned()),
        Some('+') => Line::Added(line[1..].to_owned()),
        Some('-') => Line::Removed(line[1..].to_owned()),
        Some(_) => {
            return Err(format!(
                "line {number} of the patch, {line:?}, is in an update and must start with \" \" (context), \"+\" or \"-\""
            ));
        }
    };
    hunk.lines.push(parsed);
    Ok(())
}

/// What an `@@` line asks for. The line numbers of a unified diff are dropped: models guess them.
fn anchor(line: &str) -> Option<String> {
    let text = line.strip_prefix("@@ ")?;
    let numbers = text.starts_with('-') && text.contains(" +") && text.contains("@@");
    let text = if numbers { text.split_once("@@").map_or("", |(_, rest)| rest) } else { text };
    let text = if numbers { text.trim() } else { text };
    (!text.is_empty()).then(|| text.to_owned())
}

impl Hunk {
    fn is_blank(&self) -> bool {
        let empty = |line: &Line| matches!(line, Line::Context(text) if text.is_empty());
        self.anchors.is_empty() && self.lines.iter().all(empty)
    }

    /// What must stand in the file: context and removed lines.
    pub(super) fn old(&self) -> Vec<&str> {
        self.lines
            .iter()
            .filter_map(|line| match line {
                Line::Context(text) | Line::Removed(text) => Some(text.as_str()),
                Line::Added(_) => None,
            })
            .collect()
    }
}
