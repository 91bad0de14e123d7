-- Deployments: what orchestrators run, what is proposed to them, and the events about both.

CREATE TABLE deployments (
    id TEXT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    sequence BIGINT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Grows when name, labels, options, policy, proposal or application change.
    revision BIGINT NOT NULL DEFAULT 1,
    -- Grows with every change that a client can see.
    version BIGINT NOT NULL DEFAULT 1,
    model_id TEXT NOT NULL REFERENCES models (id),
    cluster_id TEXT NOT NULL REFERENCES clusters (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'healthy', 'degraded', 'broken')),
    condition TEXT NOT NULL,
    labels TEXT NOT NULL,
    options TEXT NOT NULL,
    policy TEXT NOT NULL,
    applied_placement_id TEXT,
    applied TEXT,
    -- What the applied placement takes of the cluster, as an occupant of other plans.
    occupant TEXT,
    proposed_placement_id TEXT,
    proposed TEXT,
    failure TEXT,
    -- Why a plan is wanted whatever the condition is.
    asked TEXT,
    -- The state of the cluster for which a plan gave nothing, and that for which an improvement was looked for.
    failed_stamp TEXT,
    improved_stamp TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    CHECK ((applied_placement_id IS NULL) = (applied IS NULL)),
    CHECK ((proposed_placement_id IS NULL) = (proposed IS NULL))
);
CREATE INDEX deployments_of_tenant ON deployments (tenant, sequence);
CREATE INDEX deployments_of_cluster ON deployments (cluster_id, sequence);
CREATE INDEX deployments_of_model ON deployments (model_id);
CREATE INDEX deployments_by_applied ON deployments (applied_placement_id);
CREATE INDEX deployments_by_proposed ON deployments (proposed_placement_id);

CREATE TABLE deployment_labels (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (deployment_id, label)
);
CREATE INDEX deployment_labels_by_value ON deployment_labels (label, value, deployment_id);

CREATE TABLE deployment_history (
    sequence BIGINT PRIMARY KEY NOT NULL,
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('proposed', 'applied', 'withdrawn', 'failed')),
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The same time by the steady clock, for the limits of the policy.
    steady_at BIGINT NOT NULL,
    placement_id TEXT,
    cluster_revision BIGINT,
    period_s DOUBLE PRECISION,
    shipped_bytes BIGINT,
    detail TEXT
);
CREATE INDEX deployment_history_of_deployment ON deployment_history (deployment_id, sequence);
CREATE INDEX deployment_history_of_kind ON deployment_history (deployment_id, kind, steady_at);
CREATE INDEX deployment_history_by_creation ON deployment_history (created_at);

-- Jobs that plan for a deployment and whose end was not yet looked at.
CREATE TABLE deployment_jobs (
    job_id TEXT PRIMARY KEY NOT NULL,
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    cluster_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- The state of the cluster that it plans for.
    stamp TEXT NOT NULL,
    -- The node whose loss it plans for.
    lost_node TEXT
);
CREATE INDEX deployment_jobs_of_deployment ON deployment_jobs (deployment_id);
-- Any number of them look ahead, and one plans what is to run.
CREATE UNIQUE INDEX deployment_jobs_of_now ON deployment_jobs (deployment_id) WHERE lost_node IS NULL;

CREATE TABLE deployment_fallbacks (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    node_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ready', 'impossible', 'failed')),
    -- The applied placement and the state of the cluster that it was planned for.
    base_id TEXT NOT NULL,
    stamp TEXT NOT NULL,
    placement_id TEXT,
    period_s DOUBLE PRECISION,
    shipped_bytes BIGINT,
    PRIMARY KEY (deployment_id, node_id)
);
CREATE INDEX deployment_fallbacks_by_placement ON deployment_fallbacks (placement_id);

-- Clusters with deployments: what has changed, and who looks at it.
CREATE TABLE deployment_clusters (
    cluster_id TEXT PRIMARY KEY NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    tenant TEXT NOT NULL,
    -- Grows with everything that may change what is to be done.
    changes BIGINT NOT NULL DEFAULT 1,
    -- The value of changes that was last looked at.
    handled BIGINT NOT NULL DEFAULT 0,
    -- Grows when what is applied changes.
    occupancy BIGINT NOT NULL DEFAULT 0,
    -- When a limit of a policy ends, by the steady clock.
    wake_at BIGINT,
    -- When it was last claimed, by the steady clock: the one that was not looked at for the longest is next.
    looked_at BIGINT NOT NULL DEFAULT 0,
    lease_token BIGINT NOT NULL DEFAULT 0,
    lease_expires_at BIGINT
);

CREATE TABLE events (
    sequence BIGINT PRIMARY KEY NOT NULL,
    tenant TEXT NOT NULL,
    event_type TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX events_of_tenant ON events (tenant, sequence);
CREATE INDEX events_by_creation ON events (created_at);

-- The number of the last event, since the newest may be deleted.
CREATE TABLE event_numbers (last BIGINT NOT NULL);
INSERT INTO event_numbers (last) VALUES (0);

CREATE TABLE heartbeats (
    cluster_id TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    node_id TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (cluster_id, node_id)
);
