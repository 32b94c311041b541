//! A batch as one transaction in one round trip.
//!
//! Everything is handed to the connection at once (pipelined): begin, statements, commit. When a statement fails, the
//! server answers the later ones with an error and takes the commit for a rollback. So a caller that stops waiting
//! leaves nothing half-done behind.

use std::pin::pin;

use bytes::BytesMut;
use futures_util::TryStreamExt as _;
use futures_util::future::{join, join_all};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement as Prepared};
use uuid::Uuid;

use super::classify::Intent;
use crate::sql::{Row, Statement, Value};

/// What went wrong, and where.
#[derive(Debug)]
pub(super) enum Failure {
    /// A statement, or its preparation: with an error of the server nothing was written.
    Statement(tokio_postgres::Error),
    /// The commit.
    Commit(tokio_postgres::Error),
}

type Rows = Vec<Vec<Row>>;

/// Runs a batch. A transaction has the isolation that makes it see one state of the database: whoever writes a row that
/// another changed since is told so, and runs again.
pub(super) async fn batch(
    client: &Client,
    intent: Intent,
    prepared: &[Prepared],
    statements: &[Statement],
) -> Result<Rows, Failure> {
    let (begin, end) = match (intent, prepared, statements) {
        (Intent::Read, [prepared], [statement]) => return Ok(vec![query(client, prepared, &statement.args).await?]),
        (Intent::Read, ..) => ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "COMMIT"),
        (Intent::Write, ..) => ("BEGIN ISOLATION LEVEL REPEATABLE READ", "COMMIT"),
        (Intent::Probe, ..) => ("BEGIN ISOLATION LEVEL READ COMMITTED", "ROLLBACK"),
    };
    let begin = client.batch_execute(begin);
    let statements = join_all(
        prepared
            .iter()
            .zip(statements)
            .map(|(prepared, statement)| query(client, prepared, &statement.args)),
    );
    let end = client.batch_execute(end);
    // Polled in this order, so sent in this order.
    let (begun, (answers, ended)) = join(begin, join(statements, end)).await;
    begun.map_err(Failure::Statement)?;
    let rows = answers.into_iter().collect::<Result<Rows, Failure>>()?;
    ended.map_err(Failure::Commit)?;
    Ok(rows)
}

/// Runs one statement by itself.
async fn query(client: &Client, prepared: &Prepared, args: &[Value]) -> Result<Vec<Row>, Failure> {
    let mut rows = pin!(client.query_raw(prepared, args).await.map_err(Failure::Statement)?);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(Failure::Statement)? {
        found.push(Row::Postgres(row));
    }
    Ok(found)
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(number), &Type::INT8) => number.to_sql(ty, out),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR) => text.to_sql(ty, out),
            (Self::Id(id), &Type::TEXT | &Type::VARCHAR) => {
                (&*id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer())).to_sql(ty, out)
            }
            (Self::Int(_) | Self::Text(_) | Self::Id(_), _) => {
                Err(format!("a statement takes {ty} where it is given another type").into())
            }
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT | Type::VARCHAR)
    }

    to_sql_checked!();
}
