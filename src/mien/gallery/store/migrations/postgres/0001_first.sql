-- The same columns in the same order as SQLite's: the records' statements, and backups, are shared.
CREATE TABLE meta (name text PRIMARY KEY, content bytea NOT NULL);
CREATE TABLE counters (name text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO counters VALUES ('seq', 0), ('number', 0), ('slots', 0), ('epoch', 0), ('format', 0);

CREATE TABLE people (
    number bigint PRIMARY KEY,
    id bytea NOT NULL UNIQUE,
    slot bigint NOT NULL UNIQUE,
    key_check bytea NOT NULL,
    seq bigint NOT NULL,
    n_templates bigint NOT NULL,
    name_tag bytea NOT NULL,
    external_tag bytea,
    profile bytea NOT NULL,
    templates bytea NOT NULL
);
-- Sealed content cannot be compressed.
ALTER TABLE people ALTER COLUMN profile SET STORAGE EXTERNAL, ALTER COLUMN templates SET STORAGE EXTERNAL;
CREATE INDEX people_by_name ON people (name_tag);
CREATE INDEX people_by_external_id ON people (external_tag) WHERE external_tag IS NOT NULL;

CREATE TABLE crops (template bigint PRIMARY KEY, person bigint NOT NULL, content bytea NOT NULL);
ALTER TABLE crops ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX crops_by_person ON crops (person);

CREATE TABLE negatives (number bigint PRIMARY KEY, person bigint NOT NULL, content bytea NOT NULL);
CREATE INDEX negatives_by_person ON negatives (person);

CREATE TABLE answers (number bigint PRIMARY KEY, at bigint NOT NULL, person bigint, content bytea NOT NULL);
CREATE INDEX answers_by_person ON answers (person) WHERE person IS NOT NULL;
CREATE INDEX answers_by_time ON answers (at);

CREATE TABLE history (seq bigint PRIMARY KEY, at bigint NOT NULL, kind text NOT NULL, person bytea, detail bytea);
CREATE INDEX history_by_person ON history (person) WHERE person IS NOT NULL;

CREATE TABLE free_slots (slot bigint PRIMARY KEY);
CREATE TABLE doomed_slots (slot bigint PRIMARY KEY);

-- What a folder has files for: signed, without personal data. person_sha256: of the removed person's id, as hex.
CREATE TABLE receipts (person_sha256 text PRIMARY KEY, content text NOT NULL);
