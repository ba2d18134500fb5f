-- Batches: many tasks under one cap.

-- The batch that a task belongs to; what it spends counts in that batch's counters beside all others.
ALTER TABLE tasks ADD COLUMN batch TEXT;

CREATE INDEX tasks_by_batch ON tasks (batch) WHERE batch IS NOT NULL;
