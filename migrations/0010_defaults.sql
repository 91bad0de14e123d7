-- Defaults changed. What was asked and stored before meant the old ones, which are written down where nothing else was:
-- `json_insert` leaves what is there. What is no JSON is left as it is, to be told of when it is read.

UPDATE jobs SET options = json_insert(options, '$.cost_model.unknown_compute', 'free', '$.cost_model.transfers', 'acknowledged')
    WHERE CASE WHEN json_valid(options) THEN json_type(options) = 'object' ELSE FALSE END;
UPDATE placements SET options = json_insert(options, '$.cost_model.unknown_compute', 'free', '$.cost_model.transfers', 'acknowledged')
    WHERE CASE WHEN json_valid(options) THEN json_type(options) = 'object' ELSE FALSE END;

-- A search that has not ended begins anew: what it had found and proven does not count under the rules of now.
DELETE FROM incumbents WHERE job_id IN (SELECT id FROM jobs WHERE finished_at IS NULL);
UPDATE jobs SET period_s = NULL, lower_bound_s = NULL, lower_bound_nodes = NULL, gap = NULL, incumbent_version = NULL,
        bound_version = NULL, version = version + 1
    WHERE finished_at IS NULL
        AND (period_s IS NOT NULL OR lower_bound_s IS NOT NULL OR lower_bound_nodes IS NOT NULL OR gap IS NOT NULL);
