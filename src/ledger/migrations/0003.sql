-- Budgets that are kept in the ledger itself: they bind everyone who spends through it, whatever their own files say.

CREATE TABLE budgets (
    -- Whose spending is added up: the kinds and keys of the counters, and 'task' never, for a task has no name before
    -- it begins.
    kind   TEXT    NOT NULL CHECK (kind IN ('global', 'project', 'path', 'key', 'user')),
    key    TEXT    NOT NULL,
    per    TEXT    NOT NULL CHECK (per IN ('task', 'day', 'week', 'month')),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    -- Who set it, as the operating system names them, and when.
    set_by TEXT    NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (kind, key, per)
) STRICT, WITHOUT ROWID;
