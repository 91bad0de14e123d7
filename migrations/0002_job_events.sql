-- What a job's stream of events is made of: for each kind of event the job's version at which it last happened. The
-- end is the last version of a finished job. The newest of each kind is all that a stream tells, so a job's record
-- does not grow with its search, and a stream goes on after a restart.

ALTER TABLE jobs ADD COLUMN queued_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN started_version BIGINT;
ALTER TABLE jobs ADD COLUMN incumbent_version BIGINT;
ALTER TABLE jobs ADD COLUMN bound_version BIGINT;
