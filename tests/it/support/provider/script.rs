//! One scripted answer: status, headers, and a body as bytes with pauses, cuts and splits.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a test opens when an answer may come.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    pub fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn wait(&self) {
        for _ in 0..6_000 {
            if self.0.load(Ordering::SeqCst) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Bytes(Vec<u8>),
    Pause(Duration),
    /// Nothing until the test opens the gate, or has waited too long.
    Gate(Gate),
    /// Hold the connection open, silent, until the client or the test ends it.
    Stall,
    /// This piece again and again, so many times.
    Repeat(Vec<u8>, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// As HTTP says: the last chunk.
    Proper,
    /// The connection closes in the middle.
    Cut,
    /// The connection is reset in the middle.
    Reset,
}

/// An answer. Built up by the methods, played once.
#[derive(Clone, Debug)]
pub struct Script {
    status: u16,
    headers: Vec<(String, String)>,
    steps: Vec<Step>,
    /// With chunked framing a cut is seen as one; without it, the end of the connection is the end of the body.
    chunked: bool,
    end: End,
    /// Close without a word, before any header.
    silent: bool,
}

impl Script {
    fn new(status: u16, media_type: &str, steps: Vec<Step>) -> Self {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        Self { status, headers, steps, chunked: true, end: End::Proper, silent: false }
    }

    /// HTTP 200 and an event stream.
    pub fn sse(body: &str) -> Self {
        Self::new(200, "text/event-stream; charset=utf-8", vec![Step::Bytes(body.as_bytes().to_vec())])
    }

    pub fn json(status: u16, body: &str) -> Self {
        Self::new(status, "application/json", vec![Step::Bytes(body.as_bytes().to_vec())])
    }

    pub fn html(status: u16, body: &str) -> Self {
        Self::new(status, "text/html", vec![Step::Bytes(body.as_bytes().to_vec())])
    }

    pub fn redirect(status: u16, to: &str) -> Self {
        Self::json(status, "{}").header("location", to)
    }

    /// The connection closes after the request, without a word.
    pub fn hang_up() -> Self {
        Self { silent: true, end: End::Cut, ..Self::json(200, "") }
    }

    /// The answer comes once the gate is open.
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.steps.insert(0, Step::Gate(gate.clone()));
        self
    }

    /// Headers, then nothing.
    pub fn silence() -> Self {
        Self { steps: vec![Step::Stall], ..Self::sse("") }
    }

    /// An event stream whose only line is this long and never ends.
    pub fn endless_line(mebibytes: usize) -> Self {
        Self {
            steps: vec![Step::Bytes(b"data: ".to_vec()), Step::Repeat(vec![b'x'; 1 << 20], mebibytes)],
            ..Self::sse("")
        }
    }

    /// Comments, one each pause, so many of them.
    pub fn comments(count: usize, pause: Duration) -> Self {
        let one = [Step::Bytes(b": keep-alive\n\n".to_vec()), Step::Pause(pause)];
        Self { steps: one.iter().cycle().take(2 * count).cloned().collect(), ..Self::sse("") }
    }

    /// A body that is compressed already.
    pub fn gzipped(bytes: Vec<u8>) -> Self {
        Self { steps: vec![Step::Bytes(bytes)], ..Self::sse("") }.header("content-encoding", "gzip")
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The connection closes after so many bytes of the body.
    pub fn cut_at(mut self, bytes: usize) -> Self {
        self.keep(bytes);
        self.end = End::Cut;
        self
    }

    /// The connection is reset after so many bytes of the body.
    pub fn reset_at(mut self, bytes: usize) -> Self {
        self.keep(bytes);
        self.end = End::Reset;
        self
    }

    /// Nothing more comes after so many bytes of the body, but the connection stays open.
    pub fn stall_at(mut self, bytes: usize) -> Self {
        self.keep(bytes);
        self.steps.push(Step::Stall);
        self
    }

    /// The body in pieces of so many bytes, each its own packet as far as the system plays along.
    pub fn in_pieces_of(mut self, size: usize) -> Self {
        let body = self.body();
        self.steps = body.chunks(size).map(|piece| Step::Bytes(piece.to_vec())).collect();
        self
    }

    /// The answer as of the model that was asked for, where it names none of its own.
    pub(super) fn answered_by(mut self, model: &str) -> Self {
        const NAMELESS: &str = "model-under-test";
        let piece = match self.steps.as_slice() {
            [Step::Bytes(first), _, ..] => Some(first.len()),
            _ => None,
        };
        let (text, whole) =
            (String::from_utf8(self.body()), self.steps.iter().all(|step| matches!(step, Step::Bytes(_))));
        match text {
            Ok(text) if whole && text.contains(NAMELESS) => {
                let body = text.replace(NAMELESS, model).into_bytes();
                let size = piece.unwrap_or(body.len());
                self.steps = body.chunks(size).map(|piece| Step::Bytes(piece.to_vec())).collect();
                self
            }
            _ => self,
        }
    }

    /// No framing: the end of the connection is the end of the body.
    pub fn until_close(mut self) -> Self {
        self.chunked = false;
        self
    }

    fn body(&self) -> Vec<u8> {
        let pieces = self.steps.iter().map(|step| if let Step::Bytes(bytes) = step { bytes.as_slice() } else { &[] });
        pieces.collect::<Vec<_>>().concat()
    }

    fn keep(&mut self, bytes: usize) {
        let mut body = self.body();
        body.truncate(bytes);
        self.steps = vec![Step::Bytes(body)];
    }

    /// Writes the answer; a client that has gone ends it.
    pub(in crate::support) fn play(self, mut stream: TcpStream, stopped: &dyn Fn() -> bool) {
        let _ = stream.set_nodelay(true);
        if !self.silent {
            let _ = self.write(&mut stream, stopped);
        }
        if self.end == End::Reset {
            // Closing with a zero linger time sends RST instead of FIN.
            let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
        } else {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn write(&self, stream: &mut TcpStream, stopped: &dyn Fn() -> bool) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head += if self.chunked { "transfer-encoding: chunked\r\n\r\n" } else { "\r\n" };
        stream.write_all(head.as_bytes())?;
        for step in &self.steps {
            match step {
                Step::Bytes(bytes) => self.write_piece(stream, bytes)?,
                Step::Repeat(bytes, times) => {
                    for _ in 0..*times {
                        self.write_piece(stream, bytes)?;
                    }
                }
                Step::Gate(gate) => gate.wait(),
                Step::Pause(pause) => std::thread::sleep(*pause),
                Step::Stall => stall(stream, stopped),
            }
        }
        if self.chunked && self.end == End::Proper {
            stream.write_all(b"0\r\n\r\n")?;
        }
        stream.flush()
    }

    fn write_piece(&self, stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.chunked {
            return stream.write_all(bytes);
        }
        let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        stream.write_all(&framed)
    }
}

/// Waits until the client closes or the test ends.
fn stall(stream: &TcpStream, stopped: &dyn Fn() -> bool) {
    let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
    let mut byte = [0];
    while !stopped() {
        match std::io::Read::read(&mut &*stream, &mut byte) {
            Ok(0) => return,
            Err(e) if !matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => return,
            _ => {}
        }
    }
}
