-- Times are microseconds since 1970. Secrets are kept as hashes only.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    same_name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT,
    must_change INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;

-- One-time links.
CREATE TABLE welcomes (
    token BLOB PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token BLOB PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_account ON sessions (account);

CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX keys_of_account ON keys (account);

-- Wrong passwords, by a tag of the account's name or of the address.
CREATE TABLE failures (
    subject BLOB PRIMARY KEY,
    count INTEGER NOT NULL,
    locks INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT;

-- Log-ins that another service was asked for and that have not come back yet.
CREATE TABLE errands (
    state BLOB PRIMARY KEY,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE preferences (
    tenant TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT;

-- Answers to requests with an idempotency key. runner: the process that works on it, while there is no answer.
CREATE TABLE answers (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    runner TEXT NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER,
    headers TEXT,
    body BLOB,
    PRIMARY KEY (caller, key)
) STRICT;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    name TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT,
    why TEXT NOT NULL,
    detail TEXT NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE INDEX audit_of_tenant ON audit (tenant, seq);

-- Where the retention cut the chain: everything up to seq is gone. mac: of the last entry that went. sign: of the rest.
CREATE TABLE audit_cuts (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    mac BLOB NOT NULL,
    sign BLOB NOT NULL
) STRICT;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is never changed'); END;
CREATE TRIGGER audit_is_only_cut BEFORE DELETE ON audit
WHEN OLD.seq > (SELECT coalesce(max(seq), 0) FROM audit_cuts)
BEGIN SELECT raise(ABORT, 'the audit log is only cut behind a marker'); END;
CREATE TRIGGER audit_cuts_are_never_changed BEFORE UPDATE ON audit_cuts
BEGIN SELECT raise(ABORT, 'markers of the audit log are never changed'); END;
CREATE TRIGGER audit_cuts_stay BEFORE DELETE ON audit_cuts
BEGIN SELECT raise(ABORT, 'markers of the audit log stay'); END;
