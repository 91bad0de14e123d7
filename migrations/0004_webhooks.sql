-- Webhooks, and the outbox: a message is written in the transaction that ends its job, with a delivery for each webhook
-- that was enabled then.

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
    CHECK ((previous_secret IS NULL) = (previous_secret_expires_at IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
CREATE INDEX webhooks_by_creation ON webhooks (tenant, created_at, id);

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
    PRIMARY KEY (webhook_id, message_id),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK (claimed_until IS NULL OR status = 'pending'),
    CHECK ((last_attempt_at IS NULL) = (last_outcome IS NULL)),
    CHECK ((last_attempt_at IS NULL) = (last_duration_us IS NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_by_creation ON webhook_deliveries (webhook_id, created_at, message_id);
CREATE INDEX webhook_deliveries_by_message ON webhook_deliveries (message_id);
