//! The schema, brought up to date under a lock that other processes respect.

use tokio_postgres::{Client, GenericClient};

use super::classify::{self, Intent};
use super::translate;
use crate::migrations::{self, MIGRATIONS, Migration};
use crate::sql::Origin;
use crate::{Error, Result};

/// The advisory lock of a migration: "presswor" in ASCII, for a name that others hardly use.
const LOCK: i64 = 0x7072_6573_7377_6f72;

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS content_migrations (
  name       TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)";

/// Every migration of this crate, and what only Postgres needs after them.
pub(super) const KNOWN: &[Migration] = &[MIGRATIONS[0], MIGRATIONS[1], MIGRATIONS[2], MIGRATIONS[3], KEYS];

/// What tells the pages of a site apart comes first in their keys.
///
/// Without statistics of a table (a server that crashed counts its changes anew, and a bulk load is faster than the analysis)
/// Postgres takes any two columns for rare, the site and the locale too. Where all keys begin with these two, it thinks
/// each as good as the right one, and reads the whole site for one page.
const KEYS: Migration = Migration {
    version: 4,
    name: "0004_keys.sql",
    statements: &[
        "CREATE UNIQUE INDEX IF NOT EXISTS ux_content_row_key ON content_metadata (row_key, locale, site)",
        "CREATE UNIQUE INDEX IF NOT EXISTS ux_content_slug ON content_metadata (slug, locale, site)",
        "CREATE UNIQUE INDEX IF NOT EXISTS ux_content_keyword ON content_metadata (primary_keyword, locale, site)",
        "ALTER TABLE content_metadata DROP CONSTRAINT IF EXISTS content_metadata_site_locale_row_key_key, \
         DROP CONSTRAINT IF EXISTS content_metadata_site_locale_slug_key, \
         DROP CONSTRAINT IF EXISTS content_metadata_site_locale_primary_keyword_key",
    ],
};

/// Applies what is missing, all of it or nothing.
pub(super) async fn run(origin: &Origin, client: &mut Client, known: &'static [Migration]) -> Result<()> {
    let sql = |error| classify::failed(origin, Intent::Read, &error);
    if migrations::missing(origin.store, &origin.place, known, &applied(client).await.map_err(sql)?)?.is_empty() {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(sql)?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await
        .map_err(sql)?;
    transaction.batch_execute(LEDGER).await.map_err(sql)?;
    // Asked again under the lock: another process may have been faster.
    let applied = applied(&transaction).await.map_err(sql)?;
    for migration in migrations::missing(origin.store, &origin.place, known, &applied)? {
        for statement in migration.statements {
            transaction
                .batch_execute(&translate::schema(statement))
                .await
                .map_err(sql)?;
        }
        transaction
            .execute("INSERT INTO content_migrations (name) VALUES ($1)", &[&migration.name])
            .await
            .map_err(sql)?;
    }
    transaction
        .commit()
        .await
        .map_err(|error| match classify::commit_failed(origin, &error) {
            // Asked again it finds out.
            Error::OutcomeUnknown { message, .. } => classify::unavailable(origin, message),
            other => other,
        })
}

async fn applied(client: &(impl GenericClient + Sync)) -> Result<Vec<String>, tokio_postgres::Error> {
    let known = client
        .query_one("SELECT to_regclass('content_migrations') IS NOT NULL", &[])
        .await?;
    if !known.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let rows = client
        .query("SELECT name FROM content_migrations ORDER BY name", &[])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_migration_is_left_out() {
        let mut names: Vec<_> = KNOWN.iter().map(|migration| migration.name).collect();
        assert!(names.is_sorted(), "the newest comes last: {names:?}");
        names.retain(|name| *name != KEYS.name);
        let all: Vec<_> = MIGRATIONS.iter().map(|migration| migration.name).collect();
        assert_eq!(names, all);
    }
}
