-- Keys, and whose everything is. What was there before belongs to the tenant `default`. Foreign keys are not enforced
-- while this runs, so that tables can be made anew: SQLite cannot change a UNIQUE constraint otherwise.

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

CREATE TABLE new_models (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
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
INSERT INTO new_models (id, tenant, name, content_hash, layers, edges, cut_points, single_tensor_cut_points,
        param_bytes, flops, input_bytes, output_bytes, created_at, document)
    SELECT id, 'default', name, content_hash, layers, edges, cut_points, single_tensor_cut_points,
        param_bytes, flops, input_bytes, output_bytes, created_at, document FROM models;
DROP TABLE models;
ALTER TABLE new_models RENAME TO models;
CREATE INDEX models_by_creation ON models (tenant, created_at, id);

CREATE TABLE new_clusters (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    -- The newest revision.
    revision BIGINT NOT NULL CHECK (revision >= 1),
    -- The content hash of revision 1, for clusters that came inline with a job: how they are known again.
    inline_hash TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant, inline_hash)
);
INSERT INTO new_clusters (id, tenant, revision, inline_hash, created_at)
    SELECT id, 'default', revision, inline_hash, created_at FROM clusters;
DROP TABLE clusters;
ALTER TABLE new_clusters RENAME TO clusters;
CREATE INDEX clusters_by_creation ON clusters (tenant, created_at, id);

CREATE TABLE new_idempotency_keys (
    tenant TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    created BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, idempotency_key)
);
INSERT INTO new_idempotency_keys (tenant, idempotency_key, fingerprint, resource_id, created, created_at)
    SELECT 'default', idempotency_key, fingerprint, resource_id, created, created_at FROM idempotency_keys;
DROP TABLE idempotency_keys;
ALTER TABLE new_idempotency_keys RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_by_resource ON idempotency_keys (resource_id);
CREATE INDEX idempotency_keys_by_creation ON idempotency_keys (created_at);

ALTER TABLE jobs ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
-- The key that posted it; none where none was needed.
ALTER TABLE jobs ADD COLUMN key_id TEXT;
DROP INDEX jobs_by_creation;
CREATE INDEX jobs_by_creation ON jobs (tenant, created_at, id);
CREATE INDEX jobs_open_by_key ON jobs (key_id) WHERE finished_at IS NULL;

ALTER TABLE placements ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
-- What the job was asked, so that a placement can be explained when the job's record is gone; none of old ones.
ALTER TABLE placements ADD COLUMN options TEXT;
UPDATE placements SET options = (SELECT options FROM jobs WHERE jobs.id = placements.job_id);
DROP INDEX placements_by_creation;
CREATE INDEX placements_by_creation ON placements (tenant, created_at, id);
