//! Opening the person's browser. The programs are run here and not by a crate, because a crate's child would get all
//! of this process's environment, and no child of vk's sees the credentials that lie about in it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::base::env::Env;

/// What the systems themselves have for this, first found first: program and what stands before the address.
#[cfg(target_os = "macos")]
const OPENERS: &[(&str, &[&str])] = &[("open", &[])];
#[cfg(windows)]
const OPENERS: &[(&str, &[&str])] = &[("rundll32.exe", &["url.dll,FileProtocolHandler"])];
#[cfg(not(any(target_os = "macos", windows)))]
const OPENERS: &[(&str, &[&str])] =
    &[("xdg-open", &[]), ("wslview", &[]), ("gio", &["open"]), ("x-www-browser", &[]), ("sensible-browser", &[])];

/// A program that only starts another one is done by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens the address in the browser that the person's own `BROWSER` names, else in the desktop's. `false` where there
/// is none to be seen: over SSH, without a desktop, or when the program fails at once.
pub(super) async fn open(env: &Env, address: &str, tree: Option<&Path>) -> bool {
    let Some((program, before)) = opener(env, tree) else { return false };
    let mut command = Command::new(program);
    command.args(before).arg(address).current_dir("/").env_clear().envs(env.without_ambient());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    command.process_group(0);
    let Ok(mut child) = command.spawn() else { return false };
    // A browser that this very call starts runs on after the login.
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(ended) => ended.is_ok_and(|status| status.success()),
        Err(_) => true,
    }
}

fn opener(env: &Env, tree: Option<&Path>) -> Option<(std::path::PathBuf, Vec<String>)> {
    if let Some(named) = env.get("BROWSER").and_then(|list| list.split(':').next()) {
        // One program and its flags; `%s` would need a shell's quoting, and the address goes last by itself.
        let mut words = named.split_whitespace().filter(|word| *word != "%s").map(str::to_owned);
        let program = words.next()?;
        let path = Path::new(&program);
        let found =
            if path.is_absolute() { path.is_file().then(|| path.into()) } else { env.find_program(&program, tree) };
        return Some((found?, words.collect()));
    }
    has_desktop(env).then_some(())?;
    let found = |(program, before): &(&str, &[&str])| {
        let path = env.find_program(program, tree)?;
        Some((path, before.iter().map(|word| (*word).to_owned()).collect()))
    };
    OPENERS.iter().find_map(found)
}

/// Whether a browser that is opened here would be in front of the person.
fn has_desktop(env: &Env) -> bool {
    if ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| env.get(name).is_some()) {
        return false;
    }
    if cfg!(any(target_os = "macos", windows)) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].iter().any(|name| env.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(vars: &[(&str, &str)]) -> Option<String> {
        let bin = tempfile::tempdir().unwrap();
        for name in ["xdg-open", "mine"] {
            std::fs::copy("/bin/sh", bin.path().join(name)).unwrap();
        }
        let path = bin.path().display().to_string();
        let vars: Vec<_> = vars.iter().copied().chain([("PATH", path.as_str())]).collect();
        let (program, before) = opener(&Env::of(&vars, Path::new("/")), None)?;
        let name = program.file_name()?.to_string_lossy().into_owned();
        Some([name].into_iter().chain(before).collect::<Vec<_>>().join(" "))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_browser_is_only_opened_where_the_person_is() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("DISPLAY", ":0")]).as_deref(), Some("xdg-open"));
        assert_eq!(found(&[("WAYLAND_DISPLAY", "w")]).as_deref(), Some("xdg-open"));
        assert_eq!(found(&[("DISPLAY", ":0"), ("SSH_CONNECTION", "a b c d")]), None);
        // Named by the person, as an editor's remote terminal does it.
        assert_eq!(found(&[("SSH_TTY", "x"), ("BROWSER", "mine --new %s:other")]).as_deref(), Some("mine --new"));
        assert_eq!(found(&[("DISPLAY", ":0"), ("BROWSER", "not-there")]), None);
    }
}
