-- lost: events that were kept for long enough and went before this output had them.
ALTER TABLE outputs ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
