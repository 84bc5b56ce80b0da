-- maker: the key that made this one, which ends with it; NULL: a person did.
ALTER TABLE keys ADD COLUMN maker TEXT REFERENCES keys (id);
CREATE INDEX keys_of_key ON keys (maker);
