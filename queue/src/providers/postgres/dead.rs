//! The statements on dead letters, and the counts.

use tokio_postgres::{Row, types::ToSql};

use super::{
    Inner,
    error::Intent,
    sql::now,
    store::{count, id_of, seq_of},
};
use crate::{DeadLetter, DeadLetterFilter, Depth, Message, MessageId, Result, envelope};

/// $1 queue, $2 after, $3 reason, $4 before, $5 ids, $6 most.
macro_rules! dead {
    () => {
        "queue = $1 AND dead_at IS NOT NULL AND seq > $2
         AND ($3::text IS NULL OR position($3 IN dead_reason) > 0)
         AND ($4::bigint IS NULL OR dead_at < $4)
         AND ($5::bigint[] IS NULL OR seq = ANY($5))
         ORDER BY seq LIMIT $6"
    };
}

const LIST: &str = concat!(
    "SELECT seq, envelope, attempts, enqueued_at, last_error, dead_at, dead_reason FROM queue_message WHERE ",
    dead!()
);
const LOOK: &str = concat!("SELECT seq FROM queue_message WHERE ", dead!());
const REDRIVE: &str = concat!(
    "UPDATE queue_message SET dead_at = NULL, dead_reason = NULL, attempts = 0, visible_at = ",
    now!(),
    "
     WHERE dead_at IS NOT NULL AND seq IN (SELECT seq FROM queue_message WHERE ",
    dead!(),
    " FOR UPDATE)
     RETURNING seq, pg_notify($7, '')::text"
);
const DISCARD: &str = concat!(
    "DELETE FROM queue_message WHERE dead_at IS NOT NULL
     AND seq IN (SELECT seq FROM queue_message WHERE ",
    dead!(),
    " FOR UPDATE) RETURNING seq"
);
const DEPTH: &str = concat!(
    "SELECT
        count(*) FILTER (WHERE dead_at IS NULL AND visible_at <= ",
    now!(),
    "),
        count(*) FILTER (WHERE dead_at IS NULL AND visible_at > ",
    now!(),
    " AND NOT leased),
        count(*) FILTER (WHERE dead_at IS NULL AND visible_at > ",
    now!(),
    " AND leased),
        count(*) FILTER (WHERE dead_at IS NOT NULL),
        ",
    now!(),
    " - min(visible_at) FILTER (WHERE dead_at IS NULL AND visible_at <= ",
    now!(),
    ")
     FROM queue_message WHERE queue = $1"
);

/// What is to be done with the dead letters that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Look,
    Redrive,
    Discard,
}

impl Inner {
    async fn dead(
        &self,
        intent: Intent,
        statement: &str,
        filter: &DeadLetterFilter,
        after: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Row>> {
        let ids = filter.ids.as_ref();
        let ids = ids.map(|ids| ids.iter().filter_map(seq_of).collect::<Vec<_>>());
        let after = after.map_or(0, |id| seq_of(id).unwrap_or(i64::MAX));
        // As reasons are written: TEXT holds no NUL.
        let reason = filter
            .reason_contains
            .as_ref()
            .map(|text| text.replace('\0', "\u{fffd}"));
        let most = count(limit.min(filter.limit.unwrap_or(usize::MAX)));
        let mut arguments: Vec<&(dyn ToSql + Sync)> =
            vec![&self.queue, &after, &reason, &filter.dead_before_ms, &ids, &most];
        if statement == REDRIVE {
            arguments.push(&self.channel);
        }
        self.query(intent, statement, &arguments).await
    }

    pub(super) async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let rows = self.dead(Intent::Read, LIST, filter, after, limit).await?;
        Ok(rows.iter().map(letter).collect())
    }

    pub(super) async fn on_dead(&self, action: Action, filter: &DeadLetterFilter) -> Result<Vec<MessageId>> {
        let (intent, statement) = match action {
            Action::Look => (Intent::Read, LOOK),
            Action::Redrive => (Intent::Write, REDRIVE),
            Action::Discard => (Intent::Write, DISCARD),
        };
        let rows = self.dead(intent, statement, filter, None, usize::MAX).await?;
        let mut seqs: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        seqs.sort_unstable();
        Ok(seqs.into_iter().map(id_of).collect())
    }

    pub(super) async fn depth(&self) -> Result<Depth> {
        let rows = self.query(Intent::Read, DEPTH, &[&self.queue]).await?;
        let number = |column: usize| rows.first().map_or(0, |row| row.get::<_, i64>(column));
        let count = |column| u64::try_from(number(column)).unwrap_or(0);
        let age: Option<i64> = rows.first().and_then(|row| row.get(4));
        Ok(Depth {
            ready: count(0),
            delayed: count(1),
            leased: count(2),
            dead: count(3),
            oldest_age: age
                .and_then(|ms| u64::try_from(ms).ok())
                .map(std::time::Duration::from_millis),
        })
    }
}

fn letter(row: &Row) -> DeadLetter {
    let raw: &str = row.get(1);
    let message = envelope::decode(raw.as_bytes()).unwrap_or_else(|_| Message::new(raw));
    let (body, headers) = message.into_parts();
    DeadLetter {
        headers,
        attempts: u32::try_from(row.get::<_, i32>(2)).unwrap_or(0),
        last_error: row.get(4),
        ..DeadLetter::new(id_of(row.get(0)), body, row.get(6), row.get(3), row.get(5))
    }
}
