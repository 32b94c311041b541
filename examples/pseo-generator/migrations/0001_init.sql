CREATE TABLE IF NOT EXISTS content_op (
  op_id   TEXT NOT NULL PRIMARY KEY,
  nonce   TEXT NOT NULL,
  request TEXT NOT NULL,
  result  TEXT,
  at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS content_metadata (
  id              TEXT NOT NULL PRIMARY KEY,
  site            TEXT NOT NULL,
  locale          TEXT NOT NULL,
  slug            TEXT NOT NULL,
  row_key         TEXT NOT NULL,
  primary_keyword TEXT NOT NULL,
  source_hash     TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('planned', 'generating', 'draft', 'in_review', 'approved', 'published', 'stale', 'archived', 'rejected', 'failed')),
  version         INTEGER NOT NULL CHECK (version >= 1),
  attempts        INTEGER NOT NULL,
  last_error      TEXT,
  not_before_ms   INTEGER,
  lease_owner     TEXT,
  lease_until_ms  INTEGER,
  title           TEXT,
  description     TEXT,
  keywords_json   TEXT,
  image_prompt    TEXT,
  hooks_json      TEXT,
  canonical_url   TEXT,
  quality_json    TEXT,
  model           TEXT,
  word_count      INTEGER,
  content_hash    TEXT,
  created_at_ms   INTEGER NOT NULL,
  updated_at_ms   INTEGER NOT NULL,
  published_at_ms INTEGER,
  modified_at_ms  INTEGER,
  topic_json      TEXT NOT NULL,
  body_html       TEXT,
  UNIQUE (site, locale, row_key),
  UNIQUE (site, locale, slug),
  UNIQUE (site, locale, primary_keyword),
  CHECK (status NOT IN ('published', 'stale') OR (published_at_ms IS NOT NULL AND content_hash IS NOT NULL))
) STRICT;
CREATE INDEX IF NOT EXISTS ix_content_list ON content_metadata (site, status, id);
CREATE INDEX IF NOT EXISTS ix_content_claim ON content_metadata (site, created_at_ms, id) WHERE status IN ('planned', 'generating');
CREATE TABLE IF NOT EXISTS content_revision (
  content_id   TEXT NOT NULL,
  version      INTEGER NOT NULL,
  op_id        TEXT NOT NULL,
  reason       TEXT,
  status       TEXT NOT NULL,
  content_hash TEXT,
  at_ms        INTEGER NOT NULL,
  PRIMARY KEY (content_id, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
  id              TEXT NOT NULL PRIMARY KEY,
  topic           TEXT NOT NULL,
  page_id         TEXT NOT NULL,
  payload_json    TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('pending', 'claimed', 'sent', 'dead')),
  attempts        INTEGER NOT NULL,
  available_at_ms INTEGER NOT NULL,
  claim_owner     TEXT,
  claim_until_ms  INTEGER,
  last_op_id      TEXT,
  last_error      TEXT,
  created_at_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ix_outbox_ready ON outbox (available_at_ms, id) WHERE status IN ('pending', 'claimed');
CREATE INDEX IF NOT EXISTS ix_outbox_status ON outbox (status, created_at_ms);
CREATE TABLE IF NOT EXISTS post_ledger (
  id              TEXT NOT NULL PRIMARY KEY,
  idem_key        TEXT NOT NULL UNIQUE,
  page_id         TEXT NOT NULL,
  target          TEXT NOT NULL,
  account         TEXT NOT NULL,
  campaign        TEXT NOT NULL,
  site            TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('claimed', 'in_flight', 'unknown', 'retry', 'posted', 'rejected', 'parked')),
  version         INTEGER NOT NULL,
  last_op_id      TEXT NOT NULL,
  attempts        INTEGER NOT NULL,
  not_before_ms   INTEGER,
  claim_owner     TEXT,
  claim_until_ms  INTEGER,
  remote_id       TEXT,
  remote_url      TEXT,
  last_error      TEXT,
  in_flight_at_ms INTEGER,
  posted_at_ms    INTEGER,
  created_at_ms   INTEGER NOT NULL,
  updated_at_ms   INTEGER NOT NULL,
  post_text       TEXT,
  payload_json    TEXT NOT NULL,
  evidence_json   TEXT NOT NULL,
  CHECK (status <> 'posted' OR remote_id IS NOT NULL)
) STRICT;
CREATE INDEX IF NOT EXISTS ix_post_status ON post_ledger (status, id);
CREATE INDEX IF NOT EXISTS ix_post_page ON post_ledger (page_id, id);
CREATE TABLE IF NOT EXISTS spend_ledger (
  id            TEXT NOT NULL PRIMARY KEY,
  page_id       TEXT,
  site          TEXT,
  purpose       TEXT NOT NULL,
  provider      TEXT NOT NULL,
  model         TEXT NOT NULL,
  outcome       TEXT NOT NULL,
  input_tokens  INTEGER,
  output_tokens INTEGER,
  cost_micros   INTEGER,
  at_ms         INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ix_spend_time ON spend_ledger (at_ms);
