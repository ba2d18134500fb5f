//! One part of a file of tasks, so that a CI matrix runs all of it, each task once. By position alone: every runner
//! that has the same file agrees on it.

use std::fmt;
use std::str::FromStr;

use crate::domain::failure::Failure;

/// Beyond what any CI starts at once.
const MOST: usize = 10_000;

/// `2/4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 1.
    index: usize,
    of: usize,
}

impl Shard {
    /// Whether the task at this position of the file, counted from 0, is of this part: every N-th is.
    #[must_use]
    pub const fn takes(self, position: usize) -> bool {
        position % self.of == self.index - 1
    }

    /// As a part of a file's name: `2-of-4`.
    #[must_use]
    pub fn in_a_name(self) -> String {
        format!("{}-of-{}", self.index, self.of)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let parts = text.split_once('/').and_then(|(index, of)| Some((number(index)?, number(of)?)));
        match parts {
            Some((index, of)) if (1..=of).contains(&index) && of <= MOST => Ok(Self { index, of }),
            _ => Err(Failure::usage("bad_shard", format!("\"{text}\" is no part of a batch"))
                .why("write it as I/N, the I-th of N parts, counted from 1: --shard 1/4 to --shard 4/4")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_part_is_written_as_it_is_counted() {
        for (text, shown) in [("1/1", "1/1"), ("4/4", "4/4"), ("02/4", "2/4")] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), shown);
        }
        for bad in ["", "1", "0/4", "5/4", "1/0", "-1/4", "+1/4", "1/4/2", "a/b", "1/", "/4", "1/99999", "1 / 4"] {
            assert_eq!(bad.parse::<Shard>().unwrap_err().exit_code(), 2, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_task_is_in_one_part_and_the_parts_are_even(of in 1_usize..40, tasks in 0_usize..500) {
            let shards: Vec<Shard> = (1..=of).map(|index| Shard { index, of }).collect();
            for position in 0..tasks {
                prop_assert_eq!(shards.iter().filter(|shard| shard.takes(position)).count(), 1);
            }
            let sizes = shards.iter().map(|shard| (0..tasks).filter(|at| shard.takes(*at)).count());
            let (least, most) = (sizes.clone().min().unwrap(), sizes.max().unwrap());
            prop_assert!(most - least <= 1);
        }
    }
}
