-- Times that were measured, so that a clock that is turned changes none of them.

-- How long the search ran: as of the last heartbeat, or to its end. None of jobs that ended before this column was there.
ALTER TABLE jobs ADD COLUMN elapsed_us BIGINT;
-- Since when the job has its record, by the steady clock of the process that made it (`clock.rs`).
ALTER TABLE jobs ADD COLUMN waits_since BIGINT;
