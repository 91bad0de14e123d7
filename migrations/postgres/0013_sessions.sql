-- Sessions of the page. Only a hash of the token that the browser keeps is stored. A session is as good as its key: a
-- revoked key ends it.

CREATE TABLE sessions (
    -- SHA-256 of the token, hexadecimal. The token has 256 random bits: a slow hash would protect nothing more.
    token_hash TEXT PRIMARY KEY NOT NULL,
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
