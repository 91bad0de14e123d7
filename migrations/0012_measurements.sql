-- What the runners of a placement measured, beside what was planned. It goes with its placement.

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
