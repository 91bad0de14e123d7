-- Jobs and placements are kept in the order of their sequence, and a placement's nodes in that of the filter: each index
-- fewer is a page less to write for every job. Foreign keys are not enforced while this runs.

CREATE TABLE new_jobs (
    sequence INTEGER PRIMARY KEY NOT NULL,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    key_id TEXT,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'infeasible', 'cancelled', 'failed')),
    termination TEXT,
    model_id TEXT NOT NULL REFERENCES models (id),
    cluster_id TEXT NOT NULL,
    cluster_revision BIGINT NOT NULL,
    placement_id TEXT,
    period_s DOUBLE PRECISION,
    lower_bound_s DOUBLE PRECISION,
    lower_bound_nodes BIGINT,
    gap DOUBLE PRECISION,
    error_code TEXT,
    error_detail TEXT,
    created_at BIGINT NOT NULL,
    -- Since when it waits, by the steady clock.
    waits_since BIGINT,
    started_at BIGINT,
    -- How long its search has run, by the monotonic clock.
    elapsed_us BIGINT,
    finished_at BIGINT,
    crashes BIGINT NOT NULL DEFAULT 0,
    stop_requested BOOLEAN NOT NULL DEFAULT FALSE,
    -- Grows with every change that a client can see.
    version BIGINT NOT NULL DEFAULT 1,
    queued_version BIGINT NOT NULL DEFAULT 1,
    started_version BIGINT,
    incumbent_version BIGINT,
    bound_version BIGINT,
    -- The process that solves the job, while one does.
    lease_owner TEXT,
    -- The fencing token: grows with every claim; a worker with an older one writes nothing.
    lease_token BIGINT NOT NULL DEFAULT 0,
    lease_expires_at BIGINT,
    labels TEXT NOT NULL,
    options TEXT NOT NULL,
    FOREIGN KEY (cluster_id, cluster_revision) REFERENCES cluster_revisions (cluster_id, revision),
    CHECK ((status = 'running') = (lease_owner IS NOT NULL)),
    CHECK ((status = 'running') = (lease_expires_at IS NOT NULL)),
    CHECK ((status IN ('queued', 'running')) = (finished_at IS NULL)),
    CHECK ((status = 'failed') = (error_code IS NOT NULL)),
    CHECK (placement_id IS NULL OR status IN ('succeeded', 'infeasible'))
);
INSERT INTO new_jobs (sequence, id, tenant, key_id, status, termination, model_id, cluster_id, cluster_revision,
        placement_id, period_s, lower_bound_s, lower_bound_nodes, gap, error_code, error_detail, created_at, waits_since,
        started_at, elapsed_us, finished_at, crashes, stop_requested, version, queued_version, started_version,
        incumbent_version, bound_version, lease_owner, lease_token, lease_expires_at, labels, options)
    SELECT sequence, id, tenant, key_id, status, termination, model_id, cluster_id, cluster_revision,
        placement_id, period_s, lower_bound_s, lower_bound_nodes, gap, error_code, error_detail, created_at, waits_since,
        started_at, elapsed_us, finished_at, crashes, stop_requested, version, queued_version, started_version,
        incumbent_version, bound_version, lease_owner, lease_token, lease_expires_at, labels, options
    FROM jobs ORDER BY sequence;
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;
CREATE INDEX jobs_open_by_key ON jobs (key_id) WHERE finished_at IS NULL;
CREATE INDEX jobs_of_tenant ON jobs (tenant, sequence);
CREATE INDEX jobs_by_status ON jobs (status, sequence);
CREATE INDEX jobs_by_model ON jobs (model_id, sequence);
CREATE INDEX jobs_by_cluster ON jobs (cluster_id, cluster_revision, sequence);
-- What retention looks for.
CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE new_placements (
    sequence INTEGER PRIMARY KEY NOT NULL,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
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
INSERT INTO new_placements (sequence, id, tenant, job_id, model_id, cluster_id, cluster_revision, status, created_at,
        labels, figures, options, document)
    SELECT sequence, id, tenant, job_id, model_id, cluster_id, cluster_revision, status, created_at,
        labels, figures, options, document
    FROM placements ORDER BY sequence;
DROP TABLE placements;
ALTER TABLE new_placements RENAME TO placements;
CREATE INDEX placements_of_tenant ON placements (tenant, sequence);
CREATE INDEX placements_by_model ON placements (model_id, cluster_id, sequence);
CREATE INDEX placements_by_cluster ON placements (cluster_id, cluster_revision, sequence);

-- On which nodes a placement has a stage.
CREATE TABLE new_placement_nodes (
    node_id TEXT NOT NULL,
    placement_id TEXT NOT NULL REFERENCES placements (id) ON DELETE CASCADE,
    PRIMARY KEY (node_id, placement_id)
) WITHOUT ROWID;
INSERT INTO new_placement_nodes (node_id, placement_id) SELECT node_id, placement_id FROM placement_nodes;
DROP TABLE placement_nodes;
ALTER TABLE new_placement_nodes RENAME TO placement_nodes;
CREATE INDEX placement_nodes_by_placement ON placement_nodes (placement_id);
