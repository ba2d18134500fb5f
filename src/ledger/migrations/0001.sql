-- The ledger, first schema. Money is whole nano-dollars, moments are milliseconds since 1970 in UTC, days are whole
-- days since 1970 in UTC. The statements stay within what PostgreSQL also takes, apart from STRICT.

-- A task of vk, or a session of another tool that was imported.
CREATE TABLE tasks (
    task_id         TEXT    NOT NULL PRIMARY KEY,
    tool            TEXT    NOT NULL,
    session         TEXT    NOT NULL,
    user_name       TEXT    NOT NULL,
    project         TEXT    NOT NULL,
    project_dir     TEXT    NOT NULL,
    words           TEXT    NOT NULL,
    path            TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    payer           TEXT    NOT NULL,
    key_label       TEXT,
    key_fingerprint TEXT,
    model           TEXT    NOT NULL,
    engine          TEXT    NOT NULL,
    cap             INTEGER,
    started_at      INTEGER NOT NULL,
    -- Set when it ends.
    finished_at     INTEGER,
    status          TEXT,
    exit_code       INTEGER,
    turns           INTEGER,
    files_changed   INTEGER,
    summary         TEXT,
    -- The process that holds this task's money. Once it is dead and the lease is over, its holds are uncertain.
    owner_pid       INTEGER NOT NULL,
    owner_started   INTEGER NOT NULL,
    owner_host      TEXT    NOT NULL,
    lease_until     INTEGER NOT NULL
) STRICT;

CREATE INDEX tasks_by_project ON tasks (project_dir, started_at);
CREATE INDEX tasks_by_start ON tasks (started_at);

-- One row for each HTTP attempt, written before it is sent. An imported call is an attempt that is settled at once.
CREATE TABLE attempts (
    attempt_id      TEXT    NOT NULL PRIMARY KEY,
    task_id         TEXT    NOT NULL REFERENCES tasks (task_id),
    call_no         INTEGER NOT NULL,
    attempt_no      INTEGER NOT NULL,
    -- live: may be under way. uncertain: its owner died, or its cost is not known; counted in full.
    -- settled: its figures are final. aborted: nothing was sent.
    state           TEXT    NOT NULL CHECK (state IN ('live', 'uncertain', 'settled', 'aborted')),
    -- Who gave the figures: vk, expiry (a day passed without any), person, provider, import.
    settled_by      TEXT,
    path            TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    payer           TEXT    NOT NULL,
    key_label       TEXT,
    key_fingerprint TEXT,
    model           TEXT    NOT NULL,
    wire            TEXT,
    sent_at         INTEGER NOT NULL,
    -- The UTC day of sent_at: the budget windows it counts in.
    day             INTEGER NOT NULL,
    -- The most it may cost the payer.
    hold            INTEGER NOT NULL CHECK (hold >= 0),
    -- What budgets count of it now: the hold while live or uncertain, then what was billed. 0 for imported rows.
    counted         INTEGER NOT NULL CHECK (counted >= 0),
    charge          TEXT    NOT NULL CHECK (charge IN ('billed', 'covered', 'free', 'rehearsed', 'unknown')),
    certainty       TEXT    NOT NULL CHECK (certainty IN ('exact', 'estimated', 'unknown')),
    -- NULL is unknown, never zero.
    billed          INTEGER,
    list            INTEGER,
    proof           TEXT    NOT NULL CHECK (proof IN ('verified', 'claimed', 'contradicted')),
    input           INTEGER NOT NULL DEFAULT 0,
    cache_read      INTEGER NOT NULL DEFAULT 0,
    cache_write_5m  INTEGER NOT NULL DEFAULT 0,
    cache_write_1h  INTEGER NOT NULL DEFAULT 0,
    output          INTEGER NOT NULL DEFAULT 0,
    reasoning       INTEGER NOT NULL DEFAULT 0,
    price_source    TEXT,
    price_date      TEXT,
    price_hash      TEXT,
    markup_ppm      INTEGER NOT NULL DEFAULT 0,
    outcome         TEXT,
    http_status     INTEGER,
    retry_after_ms  INTEGER,
    response_id     TEXT,
    request_id      TEXT,
    organization    TEXT,
    finished_at     INTEGER,
    duration_ms     INTEGER,
    -- Since when it is uncertain: after a day it is settled as estimated, at its hold.
    uncertain_at    INTEGER
) STRICT;

CREATE INDEX attempts_by_task ON attempts (task_id);
CREATE INDEX attempts_by_time ON attempts (sent_at);
CREATE INDEX attempts_live ON attempts (task_id) WHERE state = 'live';
CREATE INDEX attempts_uncertain ON attempts (uncertain_at) WHERE state = 'uncertain';

-- What each scope has taken of each UTC day, so that a budget is a sum over at most a month of small rows. Every
-- change of an attempt's state or counted money changes these rows in the same transaction.
CREATE TABLE counters (
    kind      TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    day       INTEGER NOT NULL,
    settled   INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    live      INTEGER NOT NULL,
    PRIMARY KEY (kind, key, day)
) STRICT, WITHOUT ROWID;
