-- Videos that were uploaded. asked: what was wanted, as JSON. trouble: code, cause and cure where it failed, as JSON.
-- holder, until: which process works on it, and how long its word is good. removed: to be deleted by its holder.
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    caller TEXT NOT NULL,
    asked TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    progress REAL NOT NULL DEFAULT 0,
    moments_per_second REAL,
    frames INTEGER NOT NULL DEFAULT 0,
    trouble TEXT,
    cancel INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    until INTEGER
) STRICT;
CREATE INDEX jobs_of_tenant ON jobs (tenant, seq);
CREATE INDEX jobs_waiting ON jobs (state, seq);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_tenant ON events (tenant, seq);
CREATE INDEX events_by_age ON events (at);

-- Where events go. name: a tag of the address. label: for deliveries, the same for good. position: the last event that
-- was taken, or refused for good.
CREATE TABLE outputs (
    name TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    position INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    trouble TEXT NOT NULL DEFAULT '',
    delivered_at INTEGER
) STRICT;

-- Cameras, as the process that follows each has last told.
CREATE TABLE cameras (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    shown TEXT NOT NULL
) STRICT;

-- What only one of the processes may do at a time.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
