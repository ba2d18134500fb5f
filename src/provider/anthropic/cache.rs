//! Where to mark the prompt for the cache. Anthropic allows four marks; each writes an entry that ends at its block
//! and finds older entries at most 20 blocks back (platform.claude.com, prompt caching).
//!
//! One mark stands after tools and system, which all tasks of a project share. The others move with the transcript:
//! one on its last block, one where the previous request of this task ended (so that it hits however many blocks the
//! last turn added), and, when those two lie far apart, one between them, within reach for a later branch.

use serde_json::Value;

/// How far a mark looks back, less some blocks that may come to merge into the last turn.
const REACH: usize = 15;

/// What the placement looks at.
pub(super) trait Markable {
    /// Whether a mark may stand here: not on thinking.
    fn takes_mark(&self) -> bool;
}

/// The places of the moving marks as `(message, block)`, last first, three at most.
/// `messages` are the turns; odd ones out of the user's are the assistant's, so the previous request ended with the
/// message before the last one of the assistant.
pub(super) fn places<B: Markable>(messages: &[Vec<B>], assistant: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let marks: Vec<(usize, usize)> = messages
        .iter()
        .enumerate()
        .flat_map(|(m, blocks)| blocks.iter().enumerate().filter(|(_, b)| b.takes_mark()).map(move |(b, _)| (m, b)))
        .collect();
    let Some(last) = marks.len().checked_sub(1) else { return Vec::new() };
    let answered = (0..messages.len()).rev().find(|at| assistant(*at));
    let before = answered.and_then(|at| marks.iter().rposition(|(m, _)| *m < at));
    let mut places = vec![last];
    if let Some(before) = before {
        if last - before > REACH {
            places.push(last - REACH);
        }
        places.push(before);
    }
    places.dedup();
    places.into_iter().map(|at| marks[at]).collect()
}

/// The mark: five minutes, the cheaper of the two writes.
pub(super) fn mark() -> Value {
    serde_json::json!({ "type": "ephemeral" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Plain(bool);

    impl Markable for Plain {
        fn takes_mark(&self) -> bool {
            self.0
        }
    }

    /// Turns of so many blocks, the user's first.
    fn placed(sizes: &[usize]) -> Vec<(usize, usize)> {
        let messages: Vec<Vec<Plain>> = sizes.iter().map(|n| (0..*n).map(|_| Plain(true)).collect()).collect();
        places(&messages, |at| at % 2 == 1)
    }

    #[test]
    fn the_last_block_and_the_end_of_the_previous_request_are_marked() {
        assert_eq!(placed(&[]), []);
        assert_eq!(placed(&[2]), [(0, 1)]);
        assert_eq!(placed(&[1, 3, 2]), [(2, 1), (0, 0)]);
        assert_eq!(placed(&[1, 3, 2, 1, 1]), [(4, 0), (2, 1)]);
        assert_eq!(placed(&[1, 20, 20]), [(2, 19), (2, 4), (0, 0)]);
        // A paused answer is sent again as it stands.
        assert_eq!(placed(&[1, 3]), [(1, 2), (0, 0)]);
    }

    proptest! {
        /// Each request marks exactly the block on which the one before it put its last mark.
        #[test]
        fn the_next_request_marks_where_this_one_ended(
            mut sizes in prop::collection::vec(1_usize..60, 1..12),
            answer in 1_usize..60,
            results in 1_usize..60,
        ) {
            if sizes.len().is_multiple_of(2) {
                sizes.pop();
            }
            let end = placed(&sizes)[0];
            sizes.extend([answer, results]);
            let next = placed(&sizes);
            prop_assert!(next.contains(&end));
            prop_assert!(next.len() <= 3);
        }
    }
}
