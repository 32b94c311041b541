//! A batch as one transaction in one round trip.
//!
//! Everything is handed to the connection at once (pipelined): begin, statements, commit. When a statement fails, the
//! server answers the later ones with an error and takes the commit for a rollback. So a caller that stops waiting
//! leaves nothing half-done behind.

use bytes::BytesMut;
use deadpool_postgres::Client;
use futures_util::future::{join, join_all};
use tokio_postgres::Statement as Prepared;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::classify::Intent;
use crate::sql::{Row, Value};

/// What went wrong, and where.
#[derive(Debug)]
pub(super) enum Failure {
    /// A statement, or its preparation: with an error of the server nothing was written.
    Statement(tokio_postgres::Error),
    /// The commit.
    Commit(tokio_postgres::Error),
    /// A row holds what no column of this schema holds.
    Cell(String),
}

type Rows = Vec<Vec<Row>>;

/// Runs a batch. A transaction has the isolation that makes it see one state of the database: whoever writes a row that
/// another changed since is told so, and runs again.
pub(super) async fn batch(client: &Client, intent: Intent, batch: &[(Prepared, &[Value])]) -> Result<Rows, Failure> {
    let (begin, end) = match (intent, batch) {
        (Intent::Read, [(prepared, args)]) => return Ok(vec![query(client, prepared, args).await?]),
        (Intent::Read, _) => ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "COMMIT"),
        (Intent::Write, _) => ("BEGIN ISOLATION LEVEL REPEATABLE READ", "COMMIT"),
        (Intent::Probe, _) => ("BEGIN ISOLATION LEVEL READ COMMITTED", "ROLLBACK"),
    };
    let begin = client.batch_execute(begin);
    let statements = join_all(batch.iter().map(|(prepared, args)| query(client, prepared, args)));
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
    let args: Vec<&(dyn ToSql + Sync)> = args.iter().map(|arg| arg as _).collect();
    let rows = client.query(prepared, &args).await.map_err(Failure::Statement)?;
    rows.iter()
        .map(|row| (0..row.len()).map(|at| cell(row, at)).collect())
        .collect()
}

fn cell(row: &tokio_postgres::Row, at: usize) -> Result<Value, Failure> {
    let kind = row.columns()[at].type_();
    let read = |error: tokio_postgres::Error| Failure::Cell(error.to_string());
    Ok(match *kind {
        Type::INT8 => row.try_get::<_, Option<i64>>(at).map_err(read)?.into(),
        Type::INT4 => row.try_get::<_, Option<i32>>(at).map_err(read)?.map(i64::from).into(),
        Type::TEXT | Type::VARCHAR => row.try_get::<_, Option<String>>(at).map_err(read)?.into(),
        _ => return Err(Failure::Cell(format!("a column is {kind}"))),
    })
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(number), &Type::INT8) => number.to_sql(ty, out),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR) => text.to_sql(ty, out),
            (Self::Int(_) | Self::Text(_), _) => {
                Err(format!("a statement takes {ty} where it is given another type").into())
            }
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT | Type::VARCHAR)
    }

    to_sql_checked!();
}
