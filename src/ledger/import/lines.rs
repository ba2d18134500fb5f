//! Whole lines of a file of any size in little memory. A line without its end is not a line yet.

use std::io::{self, Read};

use memchr::memchr;

/// Read at once; a longer line makes the buffer grow.
const CHUNK: usize = 256 * 1024;

/// No honest line is longer: pictures are written as text, but not so many in one.
pub(super) const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// What stands between two line feeds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Line(&'a [u8]),
    /// Longer than [`LONGEST_LINE`]: passed over.
    TooLong,
}

/// Lines of `source`, and how far they reach.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// What of the buffer was read but not given yet, and how far it was searched for a line feed.
    start: usize,
    end: usize,
    searched: usize,
    position: u64,
    line: u64,
    /// Bytes of a line that is too long which were dropped; 0 outside of one.
    dropped: u64,
}

impl<R: Read> Lines<R> {
    /// Lines from where `source` stands: at byte `position`, after `line` lines. `buffer` is used again.
    pub(super) fn new(source: R, position: u64, line: u64, mut buffer: Vec<u8>) -> Self {
        if buffer.len() < CHUNK {
            buffer.resize(CHUNK, 0);
        }
        Self { source, buffer, start: 0, end: 0, searched: 0, position, line, dropped: 0 }
    }

    /// The next whole line.
    ///
    /// # Errors
    /// What the file system answered.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.searched..self.end]) {
                let (from, feed) = (self.start, self.searched + at);
                let dropped = std::mem::take(&mut self.dropped);
                self.position += dropped + (feed + 1 - from) as u64;
                self.line += 1;
                self.start = feed + 1;
                self.searched = self.start;
                if dropped > 0 {
                    return Ok(Some(Piece::TooLong));
                }
                return Ok(Some(Piece::Line(&self.buffer[from..feed])));
            }
            self.searched = self.end;
            self.make_room();
            let read = loop {
                match self.source.read(&mut self.buffer[self.end..]) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            if read == 0 {
                return Ok(None);
            }
            self.end += read;
        }
    }

    /// Keeps the line that has begun at the front of the buffer and leaves room behind it.
    fn make_room(&mut self) {
        if self.end - self.start > LONGEST_LINE {
            self.dropped += (self.end - self.start) as u64;
            self.start = self.end;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched = self.end;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    /// Bytes of the file up to the end of the last whole line.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Lines up to there: the number of the last one, counted from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// At the end of the file: a line that has begun.
    pub(super) fn rest(&self) -> &[u8] {
        if self.dropped > 0 { &[] } else { &self.buffer[self.start..self.end] }
    }

    /// The buffer, for another file; one that a long line made big is given back to the system.
    pub(super) fn into_buffer(mut self) -> Vec<u8> {
        self.buffer.truncate(CHUNK);
        self.buffer.shrink_to(CHUNK);
        self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives at most `step` bytes a read.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self.1.min(self.0.len()).min(buffer.len());
            buffer[..size].copy_from_slice(&self.0[..size]);
            self.0 = &self.0[size..];
            Ok(size)
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_in_bounded_memory() {
        let mut text = b"one\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', LONGEST_LINE * 2 + 77));
        text.extend_from_slice(b"\ntwo\n");
        let mut lines = Lines::new(text.as_slice(), 0, 0, Vec::new());
        assert_eq!(lines.next().unwrap(), Some(Piece::Line(b"one")));
        assert_eq!(lines.next().unwrap(), Some(Piece::TooLong));
        assert_eq!(lines.line(), 2);
        assert_eq!(lines.next().unwrap(), Some(Piece::Line(b"two")));
        assert_eq!(lines.next().unwrap(), None);
        assert_eq!((lines.position(), lines.line()), (text.len() as u64, 3));
        assert!(lines.buffer.len() <= LONGEST_LINE * 2, "{}", lines.buffer.len());
        assert_eq!(lines.into_buffer().capacity(), CHUNK);
    }

    proptest! {
        #[test]
        fn lines_are_those_of_split_however_the_bytes_come(text in "[a\n]{0,60}", step in 1_usize..20) {
            let bytes = text.as_bytes();
            let mut lines = Lines::new(Slow(bytes, step), 0, 0, Vec::new());
            let mut seen = Vec::new();
            while let Some(piece) = lines.next().unwrap() {
                let Piece::Line(line) = piece else { panic!("too long") };
                seen.push(line.to_vec());
            }
            let mut all: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            let rest = all.pop().unwrap();
            prop_assert_eq!(lines.rest(), rest.as_slice());
            prop_assert_eq!(lines.position(), (bytes.len() - rest.len()) as u64);
            prop_assert_eq!(lines.line(), all.len() as u64);
            prop_assert_eq!(seen, all);
        }
    }
}
