-- Row numbers of people, templates, negatives and answers come from one counter and are never used twice.
CREATE TABLE meta (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('seq', 0), ('number', 0), ('slots', 0), ('epoch', 0);

-- id: 16 random bytes. slot: where the data key is in the file of keys. key_check: tells that key from a later one in
-- the same slot. name_tag, external_tag: keyed hashes for exact look-up. profile, templates: sealed.
CREATE TABLE people (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    slot INTEGER NOT NULL UNIQUE,
    key_check BLOB NOT NULL,
    seq INTEGER NOT NULL,
    n_templates INTEGER NOT NULL,
    name_tag BLOB NOT NULL,
    external_tag BLOB,
    profile BLOB NOT NULL,
    templates BLOB NOT NULL
) STRICT;
CREATE INDEX people_by_name ON people (name_tag);
CREATE INDEX people_by_external_id ON people (external_tag) WHERE external_tag IS NOT NULL;

CREATE TABLE crops (template INTEGER PRIMARY KEY, person INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
CREATE INDEX crops_by_person ON crops (person);

CREATE TABLE negatives (number INTEGER PRIMARY KEY, person INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
CREATE INDEX negatives_by_person ON negatives (person);

-- at: microseconds since 1970, so that old answers can be dropped unopened.
CREATE TABLE answers (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, person INTEGER, content BLOB NOT NULL
) STRICT;
CREATE INDEX answers_by_person ON answers (person) WHERE person IS NOT NULL;
CREATE INDEX answers_by_time ON answers (at);

-- person: the 16 bytes of the id, which outlive the person so that other processes hear of the removal.
CREATE TABLE history (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, person BLOB, detail BLOB
) STRICT;
CREATE INDEX history_by_person ON history (person) WHERE person IS NOT NULL;

-- Slots whose key is gone, and slots whose key is to go once the change that made them so is durable.
CREATE TABLE free_slots (slot INTEGER PRIMARY KEY) STRICT;
CREATE TABLE doomed_slots (slot INTEGER PRIMARY KEY) STRICT;
