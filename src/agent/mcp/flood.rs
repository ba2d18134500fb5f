//! What a server may say before it is asked again: bytes and lines are counted as they come, and a server that says more
//! is at its end, as if it had closed its output.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// Bytes of one start or call: the largest image that a provider takes fits several times.
const MOST_BYTES: u64 = 48 << 20;
/// Messages of one start or call: progress is told often, a flood is told apart.
const MOST_LINES: u64 = 20_000;

/// What is left; shared by the one who reads and the one who asks.
#[derive(Debug)]
pub(super) struct Allowance {
    bytes: AtomicU64,
    lines: AtomicU64,
    passed: AtomicBool,
}

impl Allowance {
    pub(super) fn new() -> Arc<Self> {
        let (bytes, lines, passed) = (MOST_BYTES.into(), MOST_LINES.into(), AtomicBool::new(false));
        Arc::new(Self { bytes, lines, passed })
    }

    /// Before the server is asked again.
    pub(super) fn renew(&self) {
        self.bytes.store(MOST_BYTES, Ordering::Relaxed);
        self.lines.store(MOST_LINES, Ordering::Relaxed);
    }

    /// Whether more was said than may be.
    pub(super) fn is_passed(&self) -> bool {
        self.passed.load(Ordering::Relaxed)
    }

    /// Counts what came; whether it may still be taken.
    pub(super) fn take(&self, bytes: u64, lines: u64) -> bool {
        let used = |left: &AtomicU64, used: u64| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(used)).is_ok()
        };
        let fits = used(&self.bytes, bytes) && used(&self.lines, lines);
        if !fits {
            self.passed.store(true, Ordering::Relaxed);
        }
        fits
    }
}

/// Reads until the allowance is used up.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) allowance: Arc<Allowance>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Counted<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = read {
            let new = &buf.filled()[before..];
            let lines = memchr::memchr_iter(b'\n', new).count();
            if !self.allowance.take(new.len() as u64, lines as u64) {
                buf.set_filled(before);
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[test]
    fn a_flood_is_an_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let allowance = Allowance::new();
            let mut counted = Counted { inner: tokio::io::repeat(b'\n'), allowance: Arc::clone(&allowance) };
            let mut all = Vec::new();
            counted.read_to_end(&mut all).await.unwrap();
            assert!(all.len() as u64 <= MOST_LINES && allowance.is_passed(), "{}", all.len());
        });
        let allowance = Allowance::new();
        assert!(allowance.take(MOST_BYTES, 1) && !allowance.take(1, 0));
        allowance.renew();
        assert!(allowance.take(1, 1) && allowance.is_passed(), "what was passed stays passed");
    }
}
