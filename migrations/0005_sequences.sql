-- The order in which rows were inserted. Clocks are set back, so lists, the queue and `latest` go by a number that each
-- insert counts up. What was there before is numbered by its creation. Foreign keys are not enforced while this runs.

ALTER TABLE clusters ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
UPDATE clusters SET sequence = numbered.number
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY created_at, id) AS number FROM clusters) AS numbered
    WHERE numbered.id = clusters.id;
CREATE UNIQUE INDEX clusters_by_sequence ON clusters (sequence);
DROP INDEX clusters_by_creation;
CREATE INDEX clusters_of_tenant ON clusters (tenant, sequence);

ALTER TABLE jobs ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
UPDATE jobs SET sequence = numbered.number
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY created_at, id) AS number FROM jobs) AS numbered
    WHERE numbered.id = jobs.id;
CREATE UNIQUE INDEX jobs_by_sequence ON jobs (sequence);
DROP INDEX jobs_by_creation;
CREATE INDEX jobs_of_tenant ON jobs (tenant, sequence);
DROP INDEX jobs_by_status;
CREATE INDEX jobs_by_status ON jobs (status, sequence);
DROP INDEX jobs_by_model;
CREATE INDEX jobs_by_model ON jobs (model_id, sequence);
DROP INDEX jobs_by_cluster;
CREATE INDEX jobs_by_cluster ON jobs (cluster_id, cluster_revision, sequence);
-- What retention looks for.
CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;

ALTER TABLE webhooks ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
UPDATE webhooks SET sequence = numbered.number
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY created_at, id) AS number FROM webhooks) AS numbered
    WHERE numbered.id = webhooks.id;
CREATE UNIQUE INDEX webhooks_by_sequence ON webhooks (sequence);
DROP INDEX webhooks_by_creation;
CREATE INDEX webhooks_of_tenant ON webhooks (tenant, sequence);

ALTER TABLE webhook_deliveries ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
UPDATE webhook_deliveries SET sequence = numbered.number
    FROM (SELECT webhook_id, message_id, ROW_NUMBER() OVER (ORDER BY created_at, message_id, webhook_id) AS number
          FROM webhook_deliveries) AS numbered
    WHERE numbered.webhook_id = webhook_deliveries.webhook_id AND numbered.message_id = webhook_deliveries.message_id;
CREATE UNIQUE INDEX webhook_deliveries_by_sequence ON webhook_deliveries (sequence);
DROP INDEX webhook_deliveries_by_creation;
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, sequence);

-- Models and placements are made anew: documents stand last, so that a list does not read them.
CREATE TABLE new_models (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    sequence BIGINT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    layers BIGINT NOT NULL,
    edges BIGINT NOT NULL,
    cut_points BIGINT NOT NULL,
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
    SELECT id, tenant, ROW_NUMBER() OVER (ORDER BY created_at, id), name, content_hash, layers, edges, cut_points,
        single_tensor_cut_points, param_bytes, flops, input_bytes, output_bytes, created_at, document FROM models;
DROP TABLE models;
ALTER TABLE new_models RENAME TO models;
CREATE INDEX models_of_tenant ON models (tenant, sequence);

CREATE TABLE new_placements (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    sequence BIGINT NOT NULL UNIQUE,
    -- A job ends once. Its record may be deleted, so this is no foreign key.
    job_id TEXT NOT NULL UNIQUE,
    model_id TEXT NOT NULL REFERENCES models (id),
    cluster_id TEXT NOT NULL,
    cluster_revision BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('optimal', 'feasible', 'infeasible')),
    created_at BIGINT NOT NULL,
    labels TEXT NOT NULL,
    -- The document's figures, JSON text: what lists tell.
    figures TEXT NOT NULL,
    -- What the job was asked; none where the job's record was deleted by a version that kept it there alone.
    options TEXT,
    document TEXT NOT NULL,
    FOREIGN KEY (cluster_id, cluster_revision) REFERENCES cluster_revisions (cluster_id, revision)
);
-- `->` keeps numbers as they are written, and json_patch drops what is null.
INSERT INTO new_placements (id, tenant, sequence, job_id, model_id, cluster_id, cluster_revision, status, created_at,
        labels, figures, options, document)
    SELECT id, tenant, ROW_NUMBER() OVER (ORDER BY created_at, id), job_id, model_id, cluster_id, cluster_revision,
        status, created_at, labels,
        json_patch('{}', json_object(
            'status', status,
            'termination', COALESCE(document ->> '$.termination', status),
            'algorithm', COALESCE(document ->> '$.algorithm', 'auto'),
            'period_s', json(document -> '$.period_s'),
            'throughput_per_s', json(document -> '$.throughput_per_s'),
            'latency_s', json(document -> '$.latency_s'),
            'lower_bound_s', json(document -> '$.lower_bound_s'),
            'lower_bound_nodes', json(document -> '$.lower_bound_nodes'),
            'gap', json(document -> '$.gap'),
            'stages', COALESCE(json_array_length(document, '$.stages'), 0),
            'node_ids', json(COALESCE((SELECT json_group_array(value ->> '$.node_id')
                                       FROM json_each(document, '$.stages')), '[]')))),
        options, document
    FROM placements;
DROP TABLE placements;
ALTER TABLE new_placements RENAME TO placements;
CREATE INDEX placements_of_tenant ON placements (tenant, sequence);
CREATE INDEX placements_by_model ON placements (model_id, cluster_id, sequence);
CREATE INDEX placements_by_cluster ON placements (cluster_id, cluster_revision, sequence);

-- On which nodes a placement has a stage.
CREATE TABLE placement_nodes (
    placement_id TEXT NOT NULL REFERENCES placements (id) ON DELETE CASCADE,
    node_id TEXT NOT NULL,
    PRIMARY KEY (placement_id, node_id)
);
INSERT INTO placement_nodes (placement_id, node_id)
    SELECT DISTINCT placements.id, value ->> '$.node_id'
    FROM placements, json_each(placements.document, '$.stages');
CREATE INDEX placement_nodes_by_node ON placement_nodes (node_id, placement_id);

-- The stored placements that a job names as its base or as an occupant. Neither end is a foreign key: the job's record
-- and the placement may be deleted.
CREATE TABLE named_placements (
    job_id TEXT NOT NULL,
    placement_id TEXT NOT NULL,
    PRIMARY KEY (placement_id, job_id)
);
CREATE INDEX named_placements_by_job ON named_placements (job_id);
