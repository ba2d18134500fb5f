//! A provider on loopback: plays scripted answers as bytes, keeps every request, and holds each one against the rules
//! of its API.
//!
//! ```ignore
//! let provider = Provider::start([
//!     Script::json(529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
//!     Script::sse(&Turn::say("Done.").anthropic()),
//! ]);
//! // base_url = provider.url() for the Anthropic wire, format!("{}/v1", provider.url()) for the others
//! assert_eq!(provider.requests().len(), 2);
//! ```
//!
//! - POST requests take the scripts in order; one more than there are scripts gets HTTP 500 and fails the test.
//! - GET requests (lists of models, a key's description) take no script: see [`Provider::answer_get`].
//! - When it is dropped, the test fails if any request broke a rule (see `invariants.rs`), sent its credential in the
//!   body, or if a script was left over (unless [`Provider::allow_leftovers`]).

mod invariants;
mod script;

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub use invariants::assert_prefix_grows;
pub use script::{Gate, Script};
use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Captured {
    pub method: String,
    pub path: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Captured {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// What a request gets, by what it asks: for tasks that run at once, whose requests come in no order.
type Answers = dyn Fn(&Captured) -> Script + Send + Sync;

#[derive(Default)]
struct Shared {
    scripts: Mutex<VecDeque<Script>>,
    get: Mutex<Option<Script>>,
    get_at: Mutex<Vec<(String, Script)>>,
    captured: Mutex<Vec<Captured>>,
    broken_rules: Mutex<Vec<String>>,
    answers: Mutex<Option<Arc<Answers>>>,
    allow_leftovers: AtomicBool,
    stop: AtomicBool,
}

/// The server. It listens until it is dropped.
pub struct Provider {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Provider {
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { scripts: Mutex::new(scripts.into_iter().collect()), ..Shared::default() });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if serving.stop.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared, thread: Some(thread) }
    }

    /// A provider that answers each POST by what it asks, and has no scripts.
    pub fn answering(answers: impl Fn(&Captured) -> Script + Send + Sync + 'static) -> Self {
        let provider = Self::start([]);
        *provider.shared.answers.lock().unwrap() = Some(Arc::new(answers));
        provider
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// More answers, after those there are.
    pub fn then(&self, script: Script) {
        self.shared.scripts.lock().unwrap().push_back(script);
    }

    /// What every GET gets; without it `{"data": []}`.
    pub fn answer_get(&self, script: Script) {
        *self.shared.get.lock().unwrap() = Some(script);
    }

    /// What a GET of this path gets, with any query or with its own, whatever the others do.
    pub fn answer_get_at(&self, path: &str, script: Script) {
        self.shared.get_at.lock().unwrap().push((path.to_owned(), script));
    }

    /// For tests that end before every script was taken.
    pub fn allow_leftovers(&self) {
        self.shared.allow_leftovers.store(true, Ordering::SeqCst);
    }

    /// Every request so far, GETs included.
    pub fn captured(&self) -> Vec<Captured> {
        self.shared.captured.lock().unwrap().clone()
    }

    /// The POST requests so far.
    pub fn requests(&self) -> Vec<Captured> {
        self.captured().into_iter().filter(|request| request.method == "POST").collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if std::thread::panicking() {
            return;
        }
        let broken = self.shared.broken_rules.lock().unwrap();
        assert!(broken.is_empty(), "requests that a provider would refuse:\n{}", broken.join("\n"));
        let left = self.shared.scripts.lock().unwrap().len();
        assert!(left == 0 || self.shared.allow_leftovers.load(Ordering::SeqCst), "{left} scripts were not asked for");
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let Some(request) = read_request(&stream) else { return };
    let script = if request.method == "POST" {
        shared.broken_rules.lock().unwrap().extend(invariants::broken(&request));
        let answers = shared.answers.lock().unwrap().clone();
        let next = match answers {
            Some(answers) => Some(answers(&request)),
            None => shared.scripts.lock().unwrap().pop_front(),
        };
        let asked = serde_json::from_slice::<Value>(&request.body).ok();
        let asked = asked.and_then(|body| Some(body["model"].as_str()?.to_owned())).unwrap_or_default();
        let script = next.unwrap_or_else(|| {
            let path = &request.path;
            shared.broken_rules.lock().unwrap().push(format!("a request beyond the last script: POST {path}"));
            Script::json(500, r#"{"error":{"message":"the test has no more scripts"}}"#)
        });
        script.answered_by(&asked)
    } else {
        let asked = request.path.split('?').next().unwrap_or_default();
        let is_asked = |(path, _): &&(String, Script)| *path == request.path || path == asked;
        let at = shared.get_at.lock().unwrap().iter().rfind(is_asked).map(|(_, script)| script.clone());
        let get = at.or_else(|| shared.get.lock().unwrap().clone());
        get.unwrap_or_else(|| Script::json(200, r#"{"data":[]}"#))
    };
    shared.captured.lock().unwrap().push(request);
    script.play(stream, &|| shared.stop.load(Ordering::SeqCst));
}

/// Reads one request; `None` if the client went away.
pub(in crate::support) fn read_request(stream: &TcpStream) -> Option<Captured> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, n)| n.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Captured { method, path, headers, body })
}
