//! The schema, brought up to date under a lock that other processes respect.

use deadpool_postgres::Client;

use super::classify::{self, Intent};
use super::translate;
use crate::migrations::{self, Migration};
use crate::sql::Origin;
use crate::{Error, Result};

/// The advisory lock of a migration: "presswor" in ASCII, for a name that others hardly use.
const LOCK: i64 = 0x7072_6573_7377_6f72;

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS content_migrations (
  name       TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)";

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

async fn applied(client: &impl deadpool_postgres::GenericClient) -> Result<Vec<String>, tokio_postgres::Error> {
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
