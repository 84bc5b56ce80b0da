-- Whom the results of a video name. The rows go after the files, so that one who was removed, and has rows, is found again.
CREATE TABLE people_in_results (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    person TEXT NOT NULL,
    PRIMARY KEY (job, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX results_of_person ON people_in_results (person);
-- Results that are there already: the audit log knows who was recognised.
INSERT OR IGNORE INTO people_in_results (job, person)
SELECT jobs.id, audit.subject FROM audit JOIN jobs ON jobs.id = json_extract(audit.detail, '$.job')
WHERE audit.action = 'identify' AND audit.subject IS NOT NULL;
