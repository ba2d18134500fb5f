//! Every row of the bundled data, and golden costs.

use super::*;

#[test]
fn every_bundled_file_parses() {
    for text in BUNDLED {
        data::parse(text).unwrap();
    }
}
