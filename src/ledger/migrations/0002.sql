-- Imports: what was read of which foreign log, and which foreign sessions are vk's own. Reports by day: sums that are
-- kept until one of their calls changes.

-- How far a foreign log was read. Money never depends on it: a call that is read twice is counted once.
CREATE TABLE import_files (
    path     TEXT    NOT NULL PRIMARY KEY,
    tool     TEXT    NOT NULL,
    device   INTEGER NOT NULL,
    inode    INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    -- Nanoseconds since 1970.
    modified INTEGER NOT NULL,
    -- Bytes and lines that are done with, and a hash over both ends of those bytes.
    position INTEGER NOT NULL,
    line     INTEGER NOT NULL,
    print    TEXT    NOT NULL,
    -- What the reader must know to go on there.
    state    TEXT
) STRICT;

-- Sessions that vk began in another tool: what their logs tell is in the ledger already, as vk's own.
CREATE TABLE driven_sessions (
    tool    TEXT NOT NULL,
    session TEXT NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (tool, session)
) STRICT, WITHOUT ROWID;

-- The sums of a UTC day's calls for everything that a report groups by, apart from tasks and sessions.
CREATE TABLE day_sums (
    day             INTEGER NOT NULL,
    project         TEXT    NOT NULL,
    tool            TEXT    NOT NULL,
    user_name       TEXT    NOT NULL,
    path            TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    payer           TEXT    NOT NULL,
    key_label       TEXT,
    key_fingerprint TEXT,
    model           TEXT    NOT NULL,
    charge          TEXT    NOT NULL,
    certainty       TEXT    NOT NULL,
    latest          INTEGER NOT NULL,
    calls           INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    cache_write_5m  INTEGER NOT NULL,
    cache_write_1h  INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    reasoning       INTEGER NOT NULL,
    billed          INTEGER NOT NULL,
    list            INTEGER NOT NULL,
    unpriced        INTEGER NOT NULL
) STRICT;

CREATE INDEX day_sums_by_day ON day_sums (day);

-- Days whose sums are not, or no longer, those of their calls. Whoever changes a call names its day here, in the same
-- transaction; a report sums such days anew.
CREATE TABLE stale_days (
    day INTEGER NOT NULL PRIMARY KEY
) STRICT;

INSERT INTO stale_days SELECT DISTINCT day FROM attempts;
