//! The schema, version by version: the same statements for every database.

/// Migration N brings a ledger from version N-1 to N. A published one is never changed.
pub(super) const MIGRATIONS: [&str; 5] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
    include_str!("../migrations/0005.sql"),
];

/// The version that the last migration makes.
pub(super) const LATEST: i64 = 5;
