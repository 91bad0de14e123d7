-- The schema of PostgreSQL as migration 12 of SQLite left it: no earlier version knew this engine. From here on each
-- migration has a file with the same number for each engine.
-- Times are microseconds since 1970-01-01T00:00:00Z. Documents are JSON text, as they are sent.

-- Marks a schema as one of Cutpoint, and says which versions may serve it: those that know this migration. A migration
-- that older versions cannot live with raises it.
CREATE TABLE cutpoint_schema (oldest BIGINT NOT NULL);
INSERT INTO cutpoint_schema (oldest) VALUES (12);

-- The texts of a JSON array, as SQLite's function of this name gives them. PostgreSQL stores no U+0000.
CREATE FUNCTION json_each(texts TEXT) RETURNS TABLE (value TEXT) LANGUAGE SQL IMMUTABLE
    AS $$ SELECT json_array_elements_text(CAST(replace(texts, '\u0000', '\u2400') AS json)) $$;

CREATE TABLE models (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    sequence BIGINT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    layers BIGINT NOT NULL,
    edges BIGINT NOT NULL,
    constant_layers BIGINT NOT NULL DEFAULT 0,
    cut_points BIGINT NOT NULL,
    -- None where a copied profile could not be read.
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
CREATE INDEX models_of_tenant ON models (tenant, sequence);

CREATE TABLE clusters (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    -- The newest revision.
    revision BIGINT NOT NULL CHECK (revision >= 1),
    -- The content hash of revision 1, for clusters that came inline with a job: how they are known again.
    inline_hash TEXT,
    created_at BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    UNIQUE (tenant, inline_hash)
);
CREATE UNIQUE INDEX clusters_by_sequence ON clusters (sequence);
CREATE INDEX clusters_of_tenant ON clusters (tenant, sequence);

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
    sequence BIGINT PRIMARY KEY NOT NULL,
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
CREATE INDEX jobs_by_cluster ON jobs (cluster_id, cluster_revision, sequence);
CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_by_model ON jobs (model_id, sequence);
CREATE INDEX jobs_by_status ON jobs (status, sequence);
CREATE INDEX jobs_of_tenant ON jobs (tenant, sequence);
CREATE INDEX jobs_open_by_key ON jobs (key_id) WHERE finished_at IS NULL;

CREATE TABLE job_labels (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (job_id, label)
);
CREATE INDEX job_labels_by_value ON job_labels (label, value, job_id);

CREATE TABLE incumbents (
    job_id TEXT PRIMARY KEY NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- In the objective's unit; smaller is better.
    objective DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL
);

CREATE TABLE placements (
    sequence BIGINT PRIMARY KEY NOT NULL,
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
CREATE INDEX placements_by_cluster ON placements (cluster_id, cluster_revision, sequence);
CREATE INDEX placements_by_model ON placements (model_id, cluster_id, sequence);
CREATE INDEX placements_of_tenant ON placements (tenant, sequence);

CREATE TABLE placement_nodes (
    node_id TEXT NOT NULL,
    placement_id TEXT NOT NULL REFERENCES placements (id) ON DELETE CASCADE,
    PRIMARY KEY (node_id, placement_id)
);
CREATE INDEX placement_nodes_by_placement ON placement_nodes (placement_id);

CREATE TABLE placement_labels (
    placement_id TEXT NOT NULL REFERENCES placements (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (placement_id, label)
);
CREATE INDEX placement_labels_by_value ON placement_labels (label, value, placement_id);

CREATE TABLE named_placements (
    job_id TEXT NOT NULL,
    placement_id TEXT NOT NULL,
    PRIMARY KEY (placement_id, job_id)
);
CREATE INDEX named_placements_by_job ON named_placements (job_id);

CREATE TABLE measurements (
    id TEXT PRIMARY KEY NOT NULL,
    -- The position in the order of inserts.
    sequence BIGINT NOT NULL UNIQUE,
    placement_id TEXT NOT NULL REFERENCES placements (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    -- Planned beside measured, JSON.
    comparison TEXT NOT NULL,
    -- What was measured, JSON. It stands last, so that a list does not read it.
    document TEXT NOT NULL
);
CREATE INDEX measurements_of_placement ON measurements (placement_id, sequence);

CREATE TABLE idempotency_keys (
    tenant TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    created BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, idempotency_key)
);
CREATE INDEX idempotency_keys_by_creation ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_by_resource ON idempotency_keys (resource_id);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'plan', 'admin')),
    -- SHA-256 of the whole key, hexadecimal. The key has 256 random bits: a slow hash would protect nothing more.
    key_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- A revoked key keeps its row: a service with keys never becomes one without.
    revoked_at BIGINT
);

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    -- In clear: every delivery is signed with it.
    secret TEXT NOT NULL,
    -- The secret before the last rotation, which signs too until its time is over.
    previous_secret TEXT,
    previous_secret_expires_at BIGINT,
    disabled_at BIGINT,
    disabled_reason TEXT CHECK (disabled_reason IN ('asked', 'gone')),
    -- Grows with every change that a client can see.
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    CHECK ((previous_secret IS NULL) = (previous_secret_expires_at IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
CREATE UNIQUE INDEX webhooks_by_sequence ON webhooks (sequence);
CREATE INDEX webhooks_of_tenant ON webhooks (tenant, sequence);

CREATE TABLE webhook_messages (
    id TEXT PRIMARY KEY NOT NULL,
    event_type TEXT NOT NULL,
    -- A job ends once. Its record may be deleted, so this is no foreign key.
    job_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The bytes that are signed and sent, the same at every attempt.
    payload TEXT NOT NULL,
    UNIQUE (job_id, event_type)
);
CREATE INDEX webhook_messages_by_creation ON webhook_messages (created_at);

CREATE TABLE webhook_deliveries (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL REFERENCES webhook_messages (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    -- Attempts that have begun. The number of the last is the token that its end is written with.
    attempts BIGINT NOT NULL DEFAULT 0,
    -- How many had begun when the delivery was last asked for: the schedule starts there.
    attempts_before BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT,
    -- Until when the attempt that runs has the delivery, should its process die.
    claimed_until BIGINT,
    created_at BIGINT NOT NULL,
    last_attempt_at BIGINT,
    last_duration_us BIGINT,
    last_outcome TEXT,
    last_status_code BIGINT,
    last_detail TEXT,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (webhook_id, message_id),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK (claimed_until IS NULL OR status = 'pending'),
    CHECK ((last_attempt_at IS NULL) = (last_outcome IS NULL)),
    CHECK ((last_attempt_at IS NULL) = (last_duration_us IS NULL))
);
CREATE INDEX webhook_deliveries_by_message ON webhook_deliveries (message_id);
CREATE UNIQUE INDEX webhook_deliveries_by_sequence ON webhook_deliveries (sequence);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, sequence);
