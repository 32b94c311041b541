CREATE TABLE IF NOT EXISTS dead_letter (
  id                TEXT NOT NULL PRIMARY KEY,
  queue             TEXT NOT NULL,
  message_id        TEXT NOT NULL,
  reason            TEXT NOT NULL,
  attempts          INTEGER NOT NULL,
  last_error        TEXT,
  first_enqueued_ms INTEGER NOT NULL,
  dead_at_ms        INTEGER NOT NULL,
  claim_owner       TEXT,
  claim_until_ms    INTEGER,
  last_op_id        TEXT,
  body_json         TEXT NOT NULL,
  UNIQUE (queue, message_id)
) STRICT;
