-- Plans: which tasks used one on a day, and what a plan said of its windows before and after a task.

CREATE TABLE plan_tasks (
    provider    TEXT   NOT NULL,
    -- The fingerprint of the token that pays; empty for the login of the plan's own program.
    account     TEXT   NOT NULL,
    day         INTEGER NOT NULL,
    task_id     TEXT   NOT NULL,
    project_dir TEXT   NOT NULL,
    PRIMARY KEY (provider, account, day, task_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_windows (
    task_id     TEXT   NOT NULL,
    provider    TEXT   NOT NULL,
    account     TEXT   NOT NULL,
    -- 5 h, 1 week.
    name        TEXT   NOT NULL,
    -- In percent.
    used_before INTEGER NOT NULL,
    used_after  INTEGER NOT NULL,
    resets_at   INTEGER,
    seen_at     INTEGER NOT NULL,
    PRIMARY KEY (task_id, provider, account, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX plan_windows_by_plan ON plan_windows (provider, account, seen_at);
