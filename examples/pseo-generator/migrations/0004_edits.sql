CREATE TABLE IF NOT EXISTS content_redirect (
  site    TEXT NOT NULL,
  locale  TEXT NOT NULL,
  slug    TEXT NOT NULL,
  page_id TEXT,
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY (site, locale, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_redirect_page ON content_redirect (page_id);
CREATE TABLE IF NOT EXISTS content_lock (
  content_id  TEXT NOT NULL PRIMARY KEY,
  fields_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS content_snapshot (
  content_id    TEXT NOT NULL,
  version       INTEGER NOT NULL,
  content_hash  TEXT NOT NULL,
  title         TEXT NOT NULL,
  description   TEXT NOT NULL,
  keywords_json TEXT NOT NULL,
  image_prompt  TEXT NOT NULL,
  hooks_json    TEXT NOT NULL,
  canonical_url TEXT NOT NULL,
  quality_json  TEXT NOT NULL,
  model         TEXT NOT NULL,
  word_count    INTEGER NOT NULL,
  at_ms         INTEGER NOT NULL,
  body_html     TEXT NOT NULL,
  PRIMARY KEY (content_id, version)
) STRICT;
CREATE INDEX IF NOT EXISTS ix_content_due ON content_metadata (site, modified_at_ms, id) WHERE status = 'published';
CREATE TABLE IF NOT EXISTS spend_campaign (
  spend_id TEXT NOT NULL PRIMARY KEY,
  campaign TEXT NOT NULL
) STRICT, WITHOUT ROWID;
