//! The one schema, as migrations.
//!
//! `SqliteStore` applies them by itself and writes the same ledger table as
//! `wrangler d1 migrations apply` (`d1_migrations`), so a database may change hands between the two. [`export`] gives
//! the files for wrangler.
//!
//! The rules for a new migration: add, never rebuild (D1 cannot); every statement may run twice; no triggers and no
//! `;` inside a statement (wrangler splits there, <https://github.com/cloudflare/workers-sdk/issues/15178>).

/// One step of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number, from 1.
    pub version: u32,
    /// Its name in the ledger: the name of wrangler's file.
    pub name: &'static str,
    /// Its statements, without `;`.
    pub statements: &'static [&'static str],
}

/// Every migration, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_init.sql",
        statements: INIT,
    },
    Migration {
        version: 2,
        name: "0002_dead_letters.sql",
        statements: DEAD_LETTERS,
    },
    Migration {
        version: 3,
        name: "0003_list_by_site.sql",
        statements: LIST_BY_SITE,
    },
    Migration {
        version: 4,
        name: "0004_edits.sql",
        statements: EDITS,
    },
];

/// Every table, without the ledger of migrations. Empty when each is.
pub const TABLES: &[&str] = &[
    "content_op",
    "content_metadata",
    "content_revision",
    "outbox",
    "post_ledger",
    "spend_ledger",
    "dead_letter",
    "content_redirect",
    "content_lock",
    "content_snapshot",
    "spend_campaign",
];

/// The migrations that `applied` lacks. Refuses a database that somebody newer has migrated.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "d1-http"))]
pub(crate) fn missing(
    store: &'static str,
    place: &str,
    known: &'static [Migration],
    applied: &[String],
) -> crate::Result<Vec<&'static Migration>> {
    let newest = known.last().map_or("", |migration| migration.name);
    if let Some(found) = applied.iter().find(|name| name.as_str() > newest) {
        return Err(crate::Error::NewerSchema {
            store,
            place: place.to_owned(),
            found: found.clone(),
            known: newest.to_owned(),
        });
    }
    Ok(known
        .iter()
        .filter(|migration| !applied.iter().any(|name| name == migration.name))
        .collect())
}

/// The ledger of applied migrations, word for word as wrangler 4 creates it.
pub const LEDGER: &str = "CREATE TABLE IF NOT EXISTS d1_migrations (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)";

/// The migrations as files for wrangler's `migrations_dir`: name and content.
#[must_use]
pub fn export() -> Vec<(&'static str, String)> {
    let file = |migration: &Migration| {
        let sql: String = migration
            .statements
            .iter()
            .map(|statement| format!("{statement};\n"))
            .collect();
        (migration.name, sql)
    };
    MIGRATIONS.iter().map(file).collect()
}

/// Times are epoch milliseconds, JSON is text, ids are text; `body_html` comes last, so that lists never read its
/// overflow pages.
const INIT: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS content_op (
  op_id   TEXT NOT NULL PRIMARY KEY,
  nonce   TEXT NOT NULL,
  request TEXT NOT NULL,
  result  TEXT,
  at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS content_metadata (
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
) STRICT",
    "CREATE INDEX IF NOT EXISTS ix_content_list ON content_metadata (site, status, id)",
    "CREATE INDEX IF NOT EXISTS ix_content_claim ON content_metadata (site, created_at_ms, id) WHERE status IN ('planned', 'generating')",
    "CREATE TABLE IF NOT EXISTS content_revision (
  content_id   TEXT NOT NULL,
  version      INTEGER NOT NULL,
  op_id        TEXT NOT NULL,
  reason       TEXT,
  status       TEXT NOT NULL,
  content_hash TEXT,
  at_ms        INTEGER NOT NULL,
  PRIMARY KEY (content_id, version)
) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS outbox (
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
) STRICT",
    "CREATE INDEX IF NOT EXISTS ix_outbox_ready ON outbox (available_at_ms, id) WHERE status IN ('pending', 'claimed')",
    "CREATE INDEX IF NOT EXISTS ix_outbox_status ON outbox (status, created_at_ms)",
    "CREATE TABLE IF NOT EXISTS post_ledger (
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
) STRICT",
    "CREATE INDEX IF NOT EXISTS ix_post_status ON post_ledger (status, id)",
    "CREATE INDEX IF NOT EXISTS ix_post_page ON post_ledger (page_id, id)",
    "CREATE TABLE IF NOT EXISTS spend_ledger (
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
) STRICT",
    "CREATE INDEX IF NOT EXISTS ix_spend_time ON spend_ledger (at_ms)",
];

/// A list of a whole site goes by its ids. Without it SQLite reads every page of the site for each piece.
const LIST_BY_SITE: &[&str] = &["CREATE INDEX IF NOT EXISTS ix_content_site ON content_metadata (site, id)"];

/// What people's edits need, in tables of their own: `ADD COLUMN` cannot run twice. A redirect without a page says that the
/// page is gone; a snapshot is what a page said up to that version.
const EDITS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS content_redirect (
  site    TEXT NOT NULL,
  locale  TEXT NOT NULL,
  slug    TEXT NOT NULL,
  page_id TEXT,
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY (site, locale, slug)
) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS ix_redirect_page ON content_redirect (page_id)",
    "CREATE TABLE IF NOT EXISTS content_lock (
  content_id  TEXT NOT NULL PRIMARY KEY,
  fields_json TEXT NOT NULL
) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS content_snapshot (
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
) STRICT",
    "CREATE INDEX IF NOT EXISTS ix_content_due ON content_metadata (site, modified_at_ms, id) WHERE status = 'published'",
    "CREATE TABLE IF NOT EXISTS spend_campaign (
  spend_id TEXT NOT NULL PRIMARY KEY,
  campaign TEXT NOT NULL
) STRICT, WITHOUT ROWID",
];

const DEAD_LETTERS: &[&str] = &["CREATE TABLE IF NOT EXISTS dead_letter (
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
) STRICT"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_all_named() {
        let made = MIGRATIONS
            .iter()
            .flat_map(|migration| migration.statements)
            .filter_map(|statement| {
                let name = statement.strip_prefix("CREATE TABLE IF NOT EXISTS ")?;
                Some(name.split_once(' ')?.0)
            });
        assert_eq!(made.collect::<Vec<_>>(), TABLES);
    }

    #[test]
    fn files_are_in_order_and_split_where_wrangler_splits() {
        for (n, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version as usize, n + 1);
            assert!(
                migration.name.starts_with(&format!("{:04}_", n + 1)),
                "{}",
                migration.name
            );
            for statement in migration.statements {
                assert!(!statement.contains([';', '\r']), "{statement}");
                assert!(!statement.to_uppercase().contains("TRIGGER"), "{statement}");
                assert!(statement.contains("IF NOT EXISTS"), "{statement}");
            }
        }
        assert_eq!(export().len(), MIGRATIONS.len());
    }
}
