//! The tools of one task: a call goes in, an [`Outcome`] comes out. Calls run one at a time, in order.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::{Action, parse};
use super::change::{self, Change, LARGEST};
use super::commit::{CommitError, commit};
use super::dedupe::History;
use super::patch::{self, Tree};
use super::shell::{self, Ran, Request};
use super::text::decode;
use super::view::{self, PAGE, Page, Shape};
use super::{Before, Family, Outcome, edit, foreign, grep, place, specs, summary};
use crate::agent::approvals::{Answer, Approvals};
use crate::agent::mcp::{self, Servers};
use crate::domain::message::{ToolCall, ToolResult};
use crate::domain::request::ToolSpec;
use crate::sandbox::workspace::WorkspaceError;
use crate::sandbox::{Sandbox, Workspace};

pub struct Toolbox {
    family: Family,
    sandbox: Arc<Sandbox>,
    workspace: Arc<Workspace>,
    approvals: Approvals,
    before: Option<Arc<dyn Before>>,
    read_only: bool,
    history: History,
    servers: Servers,
}

impl Toolbox {
    #[must_use]
    pub fn new(family: Family, sandbox: Arc<Sandbox>, workspace: Arc<Workspace>, approvals: Approvals) -> Self {
        let history = History::default();
        let servers = Servers::default();
        Self { family, sandbox, workspace, approvals, before: None, read_only: false, history, servers }
    }

    /// Who keeps the pre-images of files before they are written.
    #[must_use]
    pub fn before(mut self, before: Arc<dyn Before>) -> Self {
        self.before = Some(before);
        self
    }

    /// Refuses every write of the file tools, as the read-only sandbox refuses those of commands.
    #[must_use]
    pub const fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// The MCP servers whose tools the model is given from the first call on.
    pub fn serve(&mut self, servers: Servers) {
        self.servers = servers;
    }

    #[must_use]
    pub const fn servers(&self) -> &Servers {
        &self.servers
    }

    /// What is asked of people.
    pub fn approvals(&mut self) -> &mut Approvals {
        &mut self.approvals
    }

    /// Ends the MCP servers.
    pub async fn close(&mut self) {
        self.servers.close().await;
    }

    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The tools as the model is told of them.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        specs(self.family).into_iter().chain(self.servers.specs().iter().cloned()).collect()
    }

    /// What nobody was there to allow, or lay out of reach: for `task.finished`.
    #[must_use]
    pub fn refused(&self) -> &[String] {
        self.approvals.refused()
    }

    /// The model changes, the task does not: another family's tools from the next call on.
    pub fn switch(&mut self, family: Family) {
        self.family = family;
    }

    /// Must be told when the context is compacted: from then on no earlier result is verbatim in it.
    pub fn context_compacted(&mut self) {
        self.history.reset();
    }

    /// Does what the call asks, or says why not; never fails and never runs a call that is not whole. Dropping the
    /// future ends a command that is running.
    pub async fn run(&mut self, call: &ToolCall) -> Outcome {
        let ran = if mcp::named(&call.name).is_some() {
            foreign::call(&mut self.servers, &mut self.approvals, call).await
        } else {
            match parse(self.family, call) {
                Ok(action) => self.act(action).await,
                Err(why) => Ran::error(why),
            }
        };
        let summary = summary(call);
        let result = ToolResult { call_id: call.id.clone(), content: ran.text, is_error: !ran.ok };
        // What was folded away has no images of its own.
        let result = if ran.images.is_empty() { self.history.fold(&summary, result) } else { result };
        Outcome { result, images: ran.images, ok: ran.ok, exit_code: ran.exit_code, summary, end: ran.end }
    }

    async fn act(&mut self, action: Action) -> Ran {
        let done = match action {
            Action::Restart => return shell::restart(&self.sandbox).await,
            Action::Shell { script, timeout, workdir } => {
                let root = self.workspace.root();
                let request =
                    Request { family: self.family, root, script: &script, timeout, workdir: workdir.as_deref() };
                return shell::run(&self.sandbox, &mut self.approvals, request).await;
            }
            Action::View { path, first, last } => {
                let page = Page { first: first.unwrap_or(1), last: last.unwrap_or(u64::MAX), shape: Shape::Range };
                self.view(&path, page)
            }
            Action::Read { path, offset, limit } => {
                let first = offset.unwrap_or(1).max(1);
                let last = first.saturating_add(limit.unwrap_or(PAGE).max(1) - 1);
                let last = if limit.is_some_and(|limit| limit < PAGE) { last } else { u64::MAX };
                self.view(&path, Page { first, last, shape: Shape::Offset })
            }
            Action::Grep { pattern, path, glob } => self.grep(pattern, path.as_deref(), glob).await,
            Action::Write { path, content } => self.write(&path, content).await,
            Action::Replace { path, old, new, all } => self.replace(&path, &old, &new, all).await,
            Action::Insert { path, after_line, text } => self.insert(&path, after_line, &text).await,
            Action::Patch { text } => self.patch(&text).await,
        };
        match done {
            Ok(text) => Ran::ok(text),
            Err(why) => Ran::error(why),
        }
    }

    /// The path below the root; one outside is refused and named in the task's summary.
    fn place(&mut self, path: &str) -> Result<PathBuf, String> {
        place::resolve(self.workspace.root(), path).map_err(|error| {
            if matches!(error, place::PlaceError::Outside(_)) {
                self.approvals.refuse_path(path);
            }
            format!("Refused: {error}.")
        })
    }

    fn view(&mut self, path: &str, page: Page) -> Result<String, String> {
        let rel = self.place(path)?;
        let say = |error: &dyn std::fmt::Display| format!("{path} cannot be shown: {error}.");
        if rel.as_os_str().is_empty() {
            return view::folder(&self.workspace, &rel).map_err(|error| say(&error));
        }
        match self.workspace.read(&rel, LARGEST) {
            Ok(bytes) => view::file(&bytes, page).map_err(|why| say(&why)),
            Err(WorkspaceError::IsFolder(_)) => view::folder(&self.workspace, &rel).map_err(|error| say(&error)),
            Err(error) => Err(say(&error)),
        }
    }

    async fn grep(&mut self, pattern: String, path: Option<&str>, glob: Option<String>) -> Result<String, String> {
        let below = path.map_or_else(|| Ok(PathBuf::new()), |path| self.place(path))?;
        let workspace = Arc::clone(&self.workspace);
        let search = move || grep::grep(&workspace, &pattern, &below, glob.as_deref());
        match tokio::task::spawn_blocking(search).await {
            Ok(found) => found.map_err(|why| format!("Nothing was searched: {why}.")),
            Err(error) => Err(format!("The search broke off: {error}.")),
        }
    }

    async fn write(&mut self, path: &str, content: String) -> Result<String, String> {
        let rel = self.place(path)?;
        let before = self.current(&rel)?;
        let lines = content.lines().count();
        let was = before.as_ref().map(|bytes| bytes.split_inclusive(|byte| *byte == b'\n').count());
        self.commit(&[Change::Write { path: rel.clone(), before, after: content.into_bytes() }]).await?;
        let path = rel.display();
        Ok(match was {
            None => format!("Wrote {path}, new, {lines} lines."),
            Some(was) => format!("Wrote {path}, {lines} lines in place of {was}."),
        })
    }

    async fn replace(&mut self, path: &str, old: &str, new: &str, all: bool) -> Result<String, String> {
        let (rel, lines) = self.edit(path, |text| edit::replace(text, old, new, all)).await?;
        let place = match lines.len() {
            1 => format!("line {}", edit::named(&lines)),
            n => format!("{n} places, lines {}", edit::named(&lines)),
        };
        Ok(format!("Edited {}: {place}.", rel.display()))
    }

    async fn insert(&mut self, path: &str, after: u64, text: &str) -> Result<String, String> {
        let (rel, lines) = self.edit(path, |content| edit::insert(content, after, text)).await?;
        let (first, last) = (lines.first().copied().unwrap_or(0), lines.last().copied().unwrap_or(0));
        Ok(format!("Inserted lines {first}-{last} into {}.", rel.display()))
    }

    async fn edit(
        &mut self,
        path: &str,
        change: impl FnOnce(&str) -> Result<edit::Edited, String>,
    ) -> Result<(PathBuf, Vec<usize>), String> {
        let rel = self.place(path)?;
        let unchanged = |why: &dyn std::fmt::Display| format!("{} is unchanged: {why}.", rel.display());
        let before = self.current(&rel)?.ok_or_else(|| unchanged(&"there is no such file"))?;
        let edited = change(decode(&before).map_err(|error| unchanged(&error))?).map_err(|why| unchanged(&why))?;
        let after = edited.text.into_bytes();
        self.commit(&[Change::Write { path: rel.clone(), before: Some(before), after }]).await?;
        Ok((rel, edited.lines))
    }

    async fn patch(&mut self, text: &str) -> Result<String, String> {
        let tree = Disk { workspace: &self.workspace, outside: RefCell::default() };
        let planned = patch::plan(text, &tree);
        tree.outside.into_inner().into_iter().for_each(|path| self.approvals.refuse_path(&path));
        let changes = planned.map_err(|why| format!("Nothing was changed. {why}"))?;
        self.commit(&changes).await?;
        let listed: Vec<String> = changes.iter().map(Change::listed).collect();
        Ok(format!("Success. Updated the following files:\n{}", listed.join("\n")))
    }

    fn current(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        change::read(&self.workspace, path).map_err(|error| format!("Nothing was changed: {error}."))
    }

    /// Asks where the mode says so and writes all of it or nothing.
    async fn commit(&mut self, changes: &[Change]) -> Result<(), String> {
        if self.read_only {
            return Err("Nothing was changed: this run may only read.".to_owned());
        }
        let paths: Vec<String> =
            changes.iter().flat_map(Change::paths).map(|path| path.display().to_string()).collect();
        let diff: String = changes.iter().map(Change::diff).collect();
        if let Answer::No(why) = self.approvals.write(&paths.join(", "), &diff).await {
            return Err(format!("Nothing was changed: {why}."));
        }
        commit(changes, &self.workspace, self.before.as_deref()).map_err(|error| match error {
            CommitError::HalfDone { .. } => format!("The change broke off: {error}."),
            CommitError::Left { .. } => format!("{error}."),
            _ => format!("Nothing was changed: {error}."),
        })
    }
}

/// The project folder as patches are worked out against it.
struct Disk<'a> {
    workspace: &'a Workspace,
    /// What the patch named that lies outside.
    outside: RefCell<Vec<String>>,
}

impl Tree for Disk<'_> {
    fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        place::resolve(self.workspace.root(), path).map_err(|error| {
            if matches!(error, place::PlaceError::Outside(_)) {
                self.outside.borrow_mut().push(path.to_owned());
            }
            error.to_string()
        })
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        change::read(self.workspace, path).map_err(|error| error.to_string())
    }
}
