//! A real llama.cpp server with a tiny model of random weights: found, streamed from and accounted for by a vk that
//! knows nothing of it but its address. `tests/llamacpp` builds the server and runs this.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::run::report;
use crate::support::env::Vk;

const PATIENCE: Duration = Duration::from_mins(1);

/// The server, ended when it is dropped.
struct Server {
    child: Child,
    port: u16,
    model: PathBuf,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(context: u32) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/tools/llamacpp/bin/python");
        assert!(python.is_file(), "tests/llamacpp builds the server and runs this test");
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("tiny.gguf");
        let made = Command::new(&python).arg(root.join("tests/fixtures/llamacpp/tiny.py")).arg(&model).status();
        assert!(made.unwrap().success());
        let port = crate::litellm::quiet_port();
        let child = Command::new(&python)
            .args(["-m", "llama_cpp.server", "--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--n_ctx", &context.to_string(), "--model"])
            .arg(&model)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, port, model, _folder: folder };
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", server.port)).is_err() {
            assert!(server.child.try_wait().unwrap().is_none() && Instant::now() < until, "it did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    fn user(&self) -> Vk {
        Vk::new().provider("llamacpp", &format!("http://127.0.0.1:{}/v1", self.port)).git()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs a llama.cpp server: tests/llamacpp builds it"]
fn a_real_server_streams_and_nobody_pays() {
    let server = Server::start(16_384);
    let model = server.model.to_str().unwrap();
    let (ran, finished) = report(
        &server.user(),
        &["run", "--path", "free", "--provider", "llamacpp", "--model", model, "--max-turns", "1"],
        &["go"],
    );
    // What random weights say ends the task in whatever way; who pays does not depend on it.
    assert!([0, 1].contains(&ran.code), "{ran}");
    assert_eq!((&finished["cost_usd"], &finished["cost_state"]), (&json!("0.00"), &json!("free")), "{ran}");
    assert_eq!(finished["proof"], "verified", "{ran}");
    let usage = &finished["usage"];
    assert!(usage["input"].as_u64() > Some(0) && usage["output"].as_u64() > Some(0), "{usage}");
}

#[test]
#[ignore = "needs a llama.cpp server: tests/llamacpp builds it"]
fn a_prompt_beyond_a_real_servers_context_ends_the_task() {
    let server = Server::start(512);
    let model = server.model.to_str().unwrap();
    let (ran, finished) =
        report(&server.user(), &["run", "--path", "free", "--provider", "llamacpp", "--model", model], &["go"]);
    // This server breaks its answer off where others say so.
    assert_eq!(
        (ran.code, &finished["cost_usd"], &finished["cost_state"]),
        (6, &json!("0.00"), &json!("free")),
        "{ran}"
    );
}
