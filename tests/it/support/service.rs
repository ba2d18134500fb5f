//! A service on loopback that answers by what it is asked: for logins, where one answer follows from another. It keeps
//! every request.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::provider::{Captured, Script, read_request};

/// The service. It listens until it is dropped.
pub struct Service {
    port: u16,
    captured: Arc<Mutex<Vec<Captured>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    pub fn start(answer: impl Fn(&Captured) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (captured, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, stopped, answer) = (Arc::clone(&captured), Arc::clone(&stop), Arc::new(answer));
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (kept, stopped, answer) = (Arc::clone(&kept), Arc::clone(&stopped), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let Some(request) = read_request(&stream) else { return };
                    let script = answer(&request);
                    kept.lock().unwrap().push(request);
                    script.play(stream, &|| stopped.load(Ordering::SeqCst));
                });
            }
        });
        Self { port, captured, stop, thread: Some(thread) }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests so far to paths that begin so.
    pub fn requests(&self, path: &str) -> Vec<Captured> {
        self.captured.lock().unwrap().iter().filter(|request| request.path.starts_with(path)).cloned().collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
