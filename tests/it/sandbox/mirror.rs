//! Package managers whose registries are mirrors of the user's own network: named in the user's configuration with a
//! password, spoken to through the user's proxy. The mirrors go inside and their passwords do not. All on loopback.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command as Program;
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};
use vibekit::sandbox::{Network, Status};

use super::*;

const CANARY: &str = "canary-of-a-registry";

/// A proxy of the network and everything behind it: plain `http://` requests by their whole URL.
struct Behind {
    port: u16,
    pages: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<String>>,
}

impl Behind {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let behind = Self { port, pages: Arc::default(), asked: Arc::default() };
        let (pages, asked) = (Arc::clone(&behind.pages), Arc::clone(&behind.asked));
        // It ends with the test's own process.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = String::new();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                for line in lines.take_while(|line| !line.is_empty()) {
                    head += &(line + "\n");
                }
                let url = head.split(' ').nth(1).unwrap_or_default().to_owned();
                asked.lock().unwrap().push_str(&head);
                let found = pages.lock().unwrap().get(&url).cloned();
                let (status, body) = found.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
                let kind = if body.starts_with(b"<") { "text/html" } else { "application/octet-stream" };
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                let _ = stream.write_all(&body);
            }
        });
        behind
    }

    fn page(&self, url: &str, body: impl Into<Vec<u8>>) {
        self.pages.lock().unwrap().insert(url.to_owned(), body.into());
    }

    /// A task in this network, whose home configures the mirrors.
    fn install(&self, place: Place, script: &str) -> String {
        let place = place.set("http_proxy", &format!("http://u:{CANARY}@127.0.0.1:{}", self.port));
        let mut spec = place.spec(Backend::Bubblewrap);
        spec.network = Network::Registries;
        let sandbox = place.start_with(spec).unwrap();
        let look = format!(
            "printenv; cat ~/.npmrc ~/.config/pip/pip.conf $CARGO_HOME/* 2>/dev/null; grep -rs {CANARY} ~ $CARGO_HOME"
        );
        let found = run(&sandbox, &look).text();
        assert!(!found.contains(CANARY), "{found}");
        let ran = run_for(&sandbox, script, Duration::from_mins(1));
        assert_eq!(
            ran.status,
            Status::Exited(0),
            "{}\nrefused {:?}\n{}",
            ran.text(),
            ran.denied_hosts,
            self.asked.lock().unwrap()
        );
        // The password of the proxy is for the proxy, and no other was sent.
        let asked = self.asked.lock().unwrap();
        assert!(asked.contains("Proxy-Authorization: Basic ") && !asked.contains(CANARY), "{asked}");
        assert!(!asked.to_lowercase().contains("\nauthorization:"), "{asked}");
        ran.text()
    }
}

/// Packs files into an archive with a program of this machine; gives its bytes, or nothing where there is none.
fn packed(files: &[(&str, &str)], program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let done = Program::new(program).args(arguments).current_dir(folder.path()).status();
    done.is_ok_and(|status| status.success()).then(|| std::fs::read(folder.path().join("out")).unwrap())
}

#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
fn has(program: &str) -> bool {
    let found = Env::capture().find_program(program, None).is_some();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found && has_bubblewrap()
}

/// The part of the real home that the toolchains of this machine lie in.
fn with_toolchains(mut place: Place) -> Place {
    for (name, folder) in [("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")] {
        let found = outer(name).or_else(|| Some(format!("{}/{folder}", outer("HOME")?)));
        if let Some(path) = found.filter(|path| Path::new(path).is_dir()) {
            place = place.set(name, &path);
        }
    }
    place
}

#[test]
fn npm_installs_from_a_mirror() {
    if !has("npm") {
        return;
    }
    let package = r#"{"name": "left", "version": "1.0.0", "main": "i.js"}"#;
    let files = [("package/package.json", package), ("package/i.js", "module.exports = 'from the mirror'")];
    let archive = packed(&files, "tar", &["-czf", "out", "package"]).unwrap();
    let behind = Behind::start();
    behind.page("http://npm.corp.example/left/-/left-1.0.0.tgz", archive);
    let version =
        r#"{"name": "left", "version": "1.0.0", "dist": {"tarball": "http://npm.corp.example/left/-/left-1.0.0.tgz"}}"#;
    let document =
        format!(r#"{{"name": "left", "dist-tags": {{"latest": "1.0.0"}}, "versions": {{"1.0.0": {version}}}}}"#);
    behind.page("http://npm.corp.example/left", document);
    let npmrc = format!("registry=http://npm.corp.example/\n//npm.corp.example/:_authToken={CANARY}\n_auth={CANARY}\n");
    let place = Place::new().file("home/.npmrc", &npmrc).file("home/work/package.json", r#"{"name": "t"}"#);
    let text = behind.install(place, "npm install --no-audit --no-fund left >&2 && node -p 'require(\"left\")'");
    assert!(text.ends_with("from the mirror\n"), "{text}");
}

#[test]
fn pip_installs_from_a_mirror() {
    if !has("python3") {
        return;
    }
    let files = [
        ("left.py", "print('from the mirror')"),
        ("left-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: left\nVersion: 1.0\n"),
        ("left-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        (
            "left-1.0.dist-info/RECORD",
            "left.py,,\nleft-1.0.dist-info/METADATA,,\nleft-1.0.dist-info/WHEEL,,\nleft-1.0.dist-info/RECORD,,\n",
        ),
    ];
    let Some(wheel) = packed(&files, "python3", &["-m", "zipfile", "-c", "out", "left.py", "left-1.0.dist-info"])
    else {
        return;
    };
    let behind = Behind::start();
    behind.page(
        "http://pypi.corp.example/simple/left/",
        "<a href=\"/files/left-1.0-py3-none-any.whl\">left-1.0-py3-none-any.whl</a>",
    );
    behind.page("http://pypi.corp.example/files/left-1.0-py3-none-any.whl", wheel);
    let conf =
        format!("[global]\nindex-url = http://u:{CANARY}@pypi.corp.example/simple\ntrusted-host = pypi.corp.example\n");
    let place = with_toolchains(Place::new().file("home/.config/pip/pip.conf", &conf));
    let text = behind.install(
        place,
        "PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --target lib left >&2; PYTHONPATH=lib python3 -m left",
    );
    assert!(text.ends_with("from the mirror\n"), "{text}");
}

#[test]
fn cargo_fetches_from_a_mirror() {
    if !has("cargo") {
        return;
    }
    let manifest = "[package]\nname = \"left\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    let files =
        [("left-1.0.0/Cargo.toml", manifest), ("left-1.0.0/src/lib.rs", "pub const WORD: &str = \"from the mirror\";")];
    let archive = packed(&files, "tar", &["-czf", "out", "left-1.0.0"]).unwrap();
    let sum = Sha256::digest(&archive).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let behind = Behind::start();
    behind.page("http://crates.corp.example/index/config.json", r#"{"dl": "http://crates.corp.example/dl"}"#);
    let entry = format!(r#"{{"name":"left","vers":"1.0.0","deps":[],"cksum":"{sum}","features":{{}},"yanked":false}}"#);
    behind.page("http://crates.corp.example/index/le/ft/left", entry + "\n");
    behind.page("http://crates.corp.example/dl/left/1.0.0/download", archive);
    let config = format!(
        "[source.crates-io]\nreplace-with = \"corp\"\n[source.corp]\nregistry = \"sparse+http://crates.corp.example/index/\"\n\
         [registries.corp]\nindex = \"sparse+http://crates.corp.example/index/\"\ntoken = \"{CANARY}\"\n"
    );
    let manifest = "[package]\nname = \"t\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    let place = Place::new()
        .file("home/.cargo/config.toml", &config)
        .file("home/work/Cargo.toml", manifest)
        .file("home/work/src/main.rs", "fn main() { println!(\"{}\", left::WORD) }");
    let text = behind.install(with_toolchains(place), "cargo add -q left && cargo run -q");
    assert!(text.ends_with("from the mirror\n"), "{text}");
}
