use presswork_content_store::{PostgresStore, migrations};
use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};

use super::server::Server;
use crate::earlier::{Asked, RELEASES, afterwards, calls, meanwhile};

#[tokio::test]
async fn an_earlier_release_goes_on_on_postgres() {
    let Some(server) = Server::start(&["fsync=off", "full_page_writes=off"]).await else {
        return;
    };
    for (newest, release) in RELEASES {
        let url = server.schema(&format!("release_{newest}")).await;
        let known = &migrations::MIGRATIONS[..newest];
        drop(PostgresStore::builder(&url).known(known).connect().await.unwrap());
        let (old, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        let task = tokio::spawn(connection);
        let calls = calls(release);
        let (before, during) = calls.split_at(4);
        for call in before {
            ask(&old, call).await;
        }
        let new = PostgresStore::builder(&url).connections(2).connect().await.unwrap();
        for (n, call) in during.iter().enumerate() {
            meanwhile(&new, n).await;
            ask(&old, call).await;
        }
        afterwards(&new, during.len()).await;
        task.abort();
    }
}

#[allow(clippy::future_not_send)] // the driver's parameters need not be `Send`
async fn ask(client: &Client, call: &[Asked]) {
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    for asked in call {
        let prepared = client.prepare(&asked.postgres).await.unwrap();
        let args = prepared
            .params()
            .iter()
            .zip(&asked.args)
            .map(|(kind, arg)| -> Box<dyn ToSql + Sync> {
                match *kind {
                    Type::INT8 => Box::new(arg.as_i64()),
                    _ => Box::new(arg.as_str().map(str::to_owned)),
                }
            });
        let args: Vec<_> = args.collect();
        let args: Vec<&(dyn ToSql + Sync)> = args.iter().map(|arg| &**arg).collect();
        let rows = client.query(&prepared, &args).await.unwrap();
        let rows = rows.iter().map(|row| {
            let cells = row
                .columns()
                .iter()
                .enumerate()
                .map(|(at, column)| match *column.type_() {
                    Type::INT8 => row.get::<_, Option<i64>>(at).map_or(Value::Null, Value::from),
                    Type::INT4 => row.get::<_, Option<i32>>(at).map_or(Value::Null, Value::from),
                    _ => row.get::<_, Option<String>>(at).map_or(Value::Null, Value::from),
                });
            cells.collect()
        });
        asked.answered(rows.collect());
    }
    client.batch_execute("COMMIT").await.unwrap();
}
