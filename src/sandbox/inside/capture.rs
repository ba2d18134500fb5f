//! The two ends of a command's output, whatever its length: the middle is counted and dropped as it comes.

use std::collections::VecDeque;

use crate::sandbox::protocol::Bytes;

/// However much the caller asks for: the answer must fit one frame.
const LARGEST_END: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    omitted: u64,
    head_limit: usize,
    tail_limit: usize,
}

impl Capture {
    pub(super) fn new(head: usize, tail: usize) -> Self {
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            omitted: 0,
            head_limit: head.min(LARGEST_END),
            tail_limit: tail.min(LARGEST_END),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let into_head = bytes.len().min(self.head_limit - self.head.len());
        self.head.extend_from_slice(&bytes[..into_head]);
        let rest = &bytes[into_head..];
        let kept = &rest[rest.len().saturating_sub(self.tail_limit)..];
        let overflow = (self.tail.len() + kept.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..overflow);
        self.omitted += (overflow + rest.len() - kept.len()) as u64;
        self.tail.extend(kept);
    }

    pub(super) fn finish(self) -> (Bytes, Bytes, u64) {
        (Bytes(self.head), Bytes(self.tail.into()), self.omitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_ends_are_kept_and_the_rest_is_counted(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20),
            head in 0..60_usize,
            tail in 0..60_usize,
        ) {
            let mut capture = Capture::new(head, tail);
            for chunk in &chunks {
                capture.push(chunk);
            }
            let all = chunks.concat();
            let (Bytes(first), Bytes(last), omitted) = capture.finish();
            prop_assert_eq!(&first[..], &all[..all.len().min(head)]);
            prop_assert!(all.ends_with(&last));
            prop_assert_eq!(first.len() as u64 + omitted + last.len() as u64, all.len() as u64);
            prop_assert!(omitted == 0 || last.len() == tail);
        }
    }
}
