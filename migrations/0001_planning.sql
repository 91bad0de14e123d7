-- Models, clusters, jobs, placements and idempotency keys.
-- Times are microseconds since 1970-01-01T00:00:00Z. Documents are JSON text and stand last in their rows, so that
-- reading the other columns does not read them.

CREATE TABLE models (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    content_hash TEXT NOT NULL UNIQUE,
    layers BIGINT NOT NULL,
    edges BIGINT NOT NULL,
    cut_points BIGINT NOT NULL,
    single_tensor_cut_points BIGINT NOT NULL,
    param_bytes BIGINT NOT NULL,
    flops BIGINT NOT NULL,
    input_bytes BIGINT NOT NULL,
    output_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX models_by_creation ON models (created_at, id);

CREATE TABLE clusters (
    id TEXT PRIMARY KEY NOT NULL,
    -- The newest revision.
    revision BIGINT NOT NULL CHECK (revision >= 1),
    -- The content hash of revision 1, for clusters that came inline with a job: how they are known again.
    inline_hash TEXT UNIQUE,
    created_at BIGINT NOT NULL
);
CREATE INDEX clusters_by_creation ON clusters (created_at, id);

CREATE TABLE cluster_revisions (
    cluster_id TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    revision BIGINT NOT NULL CHECK (revision >= 1),
    name TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    nodes BIGINT NOT NULL,
    links BIGINT NOT NULL,
    revised_at BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (cluster_id, revision)
);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY NOT NULL,
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
    started_at BIGINT,
    finished_at BIGINT,
    crashes BIGINT NOT NULL DEFAULT 0,
    stop_requested BOOLEAN NOT NULL DEFAULT FALSE,
    -- Grows with every change that a client can see.
    version BIGINT NOT NULL DEFAULT 1,
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
CREATE INDEX jobs_by_creation ON jobs (created_at, id);
CREATE INDEX jobs_by_status ON jobs (status, created_at, id);
CREATE INDEX jobs_by_model ON jobs (model_id, created_at, id);
CREATE INDEX jobs_by_cluster ON jobs (cluster_id, cluster_revision, created_at, id);

CREATE TABLE job_labels (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (job_id, label)
);
CREATE INDEX job_labels_by_value ON job_labels (label, value, job_id);

-- The best placement that a job's searches have found and that is not stored as their end.
CREATE TABLE incumbents (
    job_id TEXT PRIMARY KEY NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- In the objective's unit; smaller is better.
    objective DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL
);

CREATE TABLE placements (
    id TEXT PRIMARY KEY NOT NULL,
    -- A job ends once. Its record may be deleted, so this is no foreign key.
    job_id TEXT NOT NULL UNIQUE,
    model_id TEXT NOT NULL REFERENCES models (id),
    cluster_id TEXT NOT NULL,
    cluster_revision BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('optimal', 'feasible', 'infeasible')),
    created_at BIGINT NOT NULL,
    labels TEXT NOT NULL,
    document TEXT NOT NULL,
    FOREIGN KEY (cluster_id, cluster_revision) REFERENCES cluster_revisions (cluster_id, revision)
);
CREATE INDEX placements_by_creation ON placements (created_at, id);
CREATE INDEX placements_by_model ON placements (model_id, cluster_id, created_at, id);
CREATE INDEX placements_by_cluster ON placements (cluster_id, cluster_revision, created_at, id);

CREATE TABLE placement_labels (
    placement_id TEXT NOT NULL REFERENCES placements (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (placement_id, label)
);
CREATE INDEX placement_labels_by_value ON placement_labels (label, value, placement_id);

CREATE TABLE idempotency_keys (
    idempotency_key TEXT PRIMARY KEY NOT NULL,
    fingerprint TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    created BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_by_resource ON idempotency_keys (resource_id);
CREATE INDEX idempotency_keys_by_creation ON idempotency_keys (created_at);
