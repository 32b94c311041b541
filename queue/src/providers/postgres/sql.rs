//! The statements on messages. Each stands alone, so it happens whole or not at all.
//!
//! `statement_timestamp()` is the server's time, and, unlike `clock_timestamp()`, one the index can be searched by.

use tokio_postgres::types::Type;

/// Now, in milliseconds of Unix time.
macro_rules! now {
    () => {
        "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
    };
}
pub(super) use now;

/// The driver learns a connection's answer types once; whoever brings a transaction of their own has them named.
pub(super) const SEND_TYPES: [Type; 6] = [
    Type::INT8,
    Type::TEXT_ARRAY,
    Type::INT8_ARRAY,
    Type::BYTEA_ARRAY,
    Type::INT8,
    Type::TEXT,
];

/// $1 queue, $2 envelopes, $3 delays, $4 keys, $5 how long keys are remembered, $6 channel.
/// Keys are taken in one order by everyone, so that two batches never wait for each other in a ring.
pub(super) const SEND: &str = concat!(
    "WITH given AS MATERIALIZED (
        SELECT *, nextval(pg_get_serial_sequence('queue_message', 'seq')) AS seq
        FROM unnest($2::text[], $3::bigint[], $4::bytea[]) WITH ORDINALITY AS g (envelope, delay, key, place)
        ORDER BY place
    ), claimed AS (
        INSERT INTO queue_key (queue, key, seq, expires_at)
        SELECT $1, key, seq, ",
    now!(),
    " + $5 FROM given WHERE key IS NOT NULL ORDER BY key
        ON CONFLICT (queue, key) DO UPDATE SET seq = excluded.seq, expires_at = excluded.expires_at
            WHERE queue_key.expires_at <= ",
    now!(),
    "
        RETURNING seq
    ), sent AS (
        INSERT INTO queue_message (seq, queue, envelope, visible_at, enqueued_at)
        SELECT seq, $1, envelope, ",
    now!(),
    " + delay, ",
    now!(),
    " FROM given
        WHERE key IS NULL OR seq IN (SELECT seq FROM claimed)
        RETURNING seq
    )
    SELECT given.place, sent.seq, note.sent
    FROM given LEFT JOIN sent ON sent.seq = given.seq CROSS JOIN (SELECT pg_notify($6, '')::text AS sent) AS note
    ORDER BY given.place"
);
pub(super) const FIND_KEYS: &str = "SELECT key, seq FROM queue_key WHERE queue = $1 AND key = ANY($2)";
pub(super) const FORGET_KEYS: &str = concat!(
    "DELETE FROM queue_key WHERE expires_at <= ",
    now!(),
    " AND (queue, key) IN
        (SELECT queue, key FROM queue_key WHERE queue = $1 AND expires_at <= ",
    now!(),
    "
         LIMIT 1000 FOR UPDATE SKIP LOCKED)"
);

/// What was leased and is due again may have killed who had it: it comes alone.
/// $1 queue, $2 most, $3 lease, $4 max attempts, $5 no verdict, $6 out of attempts.
pub(super) const RESERVE: &str = concat!(
    "WITH due AS (
        SELECT seq, visible_at, leased FROM queue_message
        WHERE queue = $1 AND dead_at IS NULL AND visible_at <= ",
    now!(),
    "
            AND NOT coalesce((SELECT paused FROM queue_name WHERE id = $1), false)
        ORDER BY visible_at, seq LIMIT $2 FOR UPDATE SKIP LOCKED
    ), first AS (
        SELECT seq, leased FROM due ORDER BY visible_at, seq LIMIT 1
    )
    UPDATE queue_message AS m SET
        lease = lease + 1,
        last_error = CASE WHEN m.leased THEN $5 ELSE last_error END,
        leased = attempts < $4,
        visible_at = CASE WHEN attempts < $4 THEN ",
    now!(),
    " + $3 ELSE m.visible_at END,
        dead_at = CASE WHEN attempts < $4 THEN NULL ELSE ",
    now!(),
    " END,
        dead_reason = CASE WHEN attempts < $4 THEN NULL ELSE $6 END,
        attempts = attempts + (attempts < $4)::int
    FROM due, first
    WHERE m.seq = due.seq AND CASE WHEN first.leased THEN due.seq = first.seq ELSE NOT due.leased END
    RETURNING m.seq, m.lease, m.attempts, m.enqueued_at, m.visible_at, m.envelope, m.dead_at IS NOT NULL"
);
pub(super) const NEXT: &str = concat!(
    "SELECT min(visible_at) - ",
    now!(),
    " FROM queue_message WHERE queue = $1 AND dead_at IS NULL
     AND NOT coalesce((SELECT paused FROM queue_name WHERE id = $1), false)"
);

/// $1 queue, then per message $2 seq, $3 lease, $4 verdict, $5 delay, $6 words; $7 max attempts, $8 out of attempts,
/// $9 channel.
pub(super) const SETTLE: &str = concat!(
    "WITH given AS MATERIALIZED (
        SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])
            AS g (seq, lease, verdict, delay, words)
        ORDER BY seq
    ), gone AS (
        DELETE FROM queue_message AS m USING given AS g
        WHERE g.verdict = 'ack' AND m.seq = g.seq AND m.lease = g.lease
            AND m.queue = $1 AND m.leased AND m.dead_at IS NULL
        RETURNING m.seq, g.lease, false AS exhausted
    ), back AS (
        UPDATE queue_message AS m SET
            lease = m.lease + 1,
            leased = false,
            attempts = CASE WHEN g.verdict = 'release' THEN greatest(m.attempts - 1, 0) ELSE m.attempts END,
            last_error = CASE WHEN g.verdict = 'retry' THEN coalesce(g.words, m.last_error) ELSE m.last_error END,
            visible_at = ",
    now!(),
    " + g.delay,
            dead_at = CASE WHEN g.verdict = 'dead' OR g.verdict = 'retry' AND m.attempts >= $7 THEN ",
    now!(),
    " END,
            dead_reason = CASE WHEN g.verdict = 'dead' THEN g.words
                               WHEN g.verdict = 'retry' AND m.attempts >= $7 THEN $8 END
        FROM given AS g
        WHERE g.verdict <> 'ack' AND m.seq = g.seq AND m.lease = g.lease
            AND m.queue = $1 AND m.leased AND m.dead_at IS NULL
        RETURNING m.seq, g.lease, g.verdict = 'retry' AND m.dead_at IS NOT NULL AS exhausted, pg_notify($9, '')::text
    )
    SELECT seq, lease, exhausted FROM gone UNION ALL SELECT seq, lease, exhausted FROM back"
);
pub(super) const EXTEND: &str = concat!(
    "UPDATE queue_message SET visible_at = greatest(visible_at, ",
    now!(),
    " + $4)
     WHERE seq = $2 AND lease = $3 AND queue = $1 AND leased AND dead_at IS NULL RETURNING visible_at"
);
