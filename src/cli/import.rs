//! `vk import`: what other tools spent, from their logs into the ledger.

use std::path::Path;

use super::args::{ImportArgs, ImportTool, ListOutput};
use super::context::Context;
use crate::catalog::Catalog;
use crate::config::{self, Flags};
use crate::domain::failure::Failure;
use crate::ledger::import::{self, Place, PriceList, Tool};
use crate::present;
use crate::present::import as shown;
use crate::present::table;
use crate::task::ledger;

/// # Errors
/// Exit 2 where there is no log to read, 9 for a ledger that cannot be written.
pub fn run(args: &ImportArgs, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let tool = args.tool.map(tool);
    let places = places(tool, args.dir.as_deref(), context)?;
    let (catalog, damage) = Catalog::load(&loaded.dirs.data);
    if let Some(damage) = damage {
        context.ui.say(&damage.warning());
    }
    let ledger = ledger::open(&loaded, &context.env, &context.ui)?;
    let user = ledger::user(&loaded, &context.env);
    let imported = ledger.import(&places, PriceList::new(&loaded.settings, &catalog), &user)?;
    match args.output {
        ListOutput::Json => present::stdout(&shown::json(&imported))?,
        ListOutput::Table if imported.tools.is_empty() => {}
        ListOutput::Table => present::stdout(&shown::table(&imported, table::width(&context.env)))?,
    }
    for line in shown::remarks(&imported) {
        context.ui.say(&line);
    }
    Ok(())
}

/// The places to look at. What was asked for by name must be there.
fn places(tool: Option<Tool>, dir: Option<&Path>, context: &Context) -> Result<Vec<Place>, Failure> {
    let env = &context.env;
    let places: Vec<Place> = match (tool, dir) {
        (_, Some(dir)) => {
            let dir = env.cwd().join(dir);
            if !dir.exists() {
                let what = format!("there is no {}", dir.display());
                return Err(Failure::usage("no_such_folder", what).fix("vk import --dir /folder/with/logs"));
            }
            import::given(tool, &dir)
        }
        (Some(tool), None) => import::usual(tool, env),
        (None, None) => Tool::ALL.into_iter().flat_map(|tool| import::usual(tool, env)).collect(),
    };
    if let Some(tool) = tool
        && !places.iter().any(|place| place.path.exists())
    {
        let looked: Vec<String> = places.iter().map(|place| place.path.display().to_string()).collect();
        let what = format!("no logs of {} were found", tool.as_str());
        return Err(Failure::usage("no_logs", what)
            .why(format!("looked in {}", looked.join(", ")))
            .fix(format!("vk import {} --dir /folder/with/logs", tool.as_str())));
    }
    Ok(places)
}

const fn tool(tool: ImportTool) -> Tool {
    match tool {
        ImportTool::ClaudeCode => Tool::ClaudeCode,
        ImportTool::Codex => Tool::Codex,
        ImportTool::Opencode => Tool::Opencode,
        ImportTool::Pi => Tool::Pi,
    }
}
