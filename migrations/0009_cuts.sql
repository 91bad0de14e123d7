-- Cuts do not depend on the order of the file any more. What was asked and stored before meant the cuts of the file's
-- order, which are `in_order` now. What is no JSON is left as it is, to be told of when it is read. Foreign keys are not
-- enforced while this runs.

UPDATE jobs SET options = json_set(options, '$.cost_model.cuts', 'in_order')
    WHERE CASE WHEN json_valid(options)
        THEN json_type(options) = 'object' AND COALESCE(options ->> '$.cost_model.cuts', 'any') = 'any' ELSE FALSE END;
UPDATE placements SET options = json_set(options, '$.cost_model.cuts', 'in_order')
    WHERE CASE WHEN json_valid(options)
        THEN json_type(options) = 'object' AND COALESCE(options ->> '$.cost_model.cuts', 'any') = 'any' ELSE FALSE END;

-- A search that has not ended begins anew: what it had found and proven does not count under the rules of now.
DELETE FROM incumbents WHERE job_id IN (SELECT id FROM jobs WHERE finished_at IS NULL);
UPDATE jobs SET period_s = NULL, lower_bound_s = NULL, lower_bound_nodes = NULL, gap = NULL, incumbent_version = NULL,
        bound_version = NULL, version = version + 1
    WHERE finished_at IS NULL
        AND (period_s IS NOT NULL OR lower_bound_s IS NOT NULL OR lower_bound_nodes IS NOT NULL OR gap IS NOT NULL);

-- Models are made anew: documents stand last, so that a list does not read them.
CREATE TABLE new_models (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    sequence BIGINT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    layers BIGINT NOT NULL,
    edges BIGINT NOT NULL,
    constant_layers BIGINT NOT NULL DEFAULT 0,
    cut_points BIGINT NOT NULL,
    -- Whether there are more than `cut_points`. None where they were counted in the file's order alone: SQL cannot count
    -- them, so the start that brings this schema does.
    more_cut_points BOOLEAN,
    single_tensor_cut_points BIGINT NOT NULL,
    param_bytes BIGINT NOT NULL,
    flops BIGINT NOT NULL,
    input_bytes BIGINT NOT NULL,
    output_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (tenant, content_hash)
);
INSERT INTO new_models (id, tenant, sequence, name, content_hash, layers, edges, cut_points, single_tensor_cut_points,
        param_bytes, flops, input_bytes, output_bytes, created_at, document)
    SELECT id, tenant, sequence, name, content_hash, layers, edges, cut_points, single_tensor_cut_points,
        param_bytes, flops, input_bytes, output_bytes, created_at, document FROM models ORDER BY sequence;
DROP TABLE models;
ALTER TABLE new_models RENAME TO models;
CREATE INDEX models_of_tenant ON models (tenant, sequence);
CREATE INDEX models_uncounted ON models (id) WHERE more_cut_points IS NULL;
