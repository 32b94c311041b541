//! The figures, each in the file of the crate it is about.

mod llm;
mod pipeline;
mod queue;
mod social;
mod store;
mod text;

use anyhow::Result;

use crate::table::Table;

pub struct Figure {
    pub name: &'static str,
    pub what: &'static str,
    pub run: fn() -> Result<Vec<Table>>,
}

pub const FIGURES: &[Figure] = &[
    Figure {
        name: "llm-call",
        what: "one call of a language model, against reqwest and serde_json by hand",
        run: llm::call,
    },
    Figure {
        name: "llm-chunk",
        what: "one chunk of a streamed answer",
        run: llm::chunk,
    },
    Figure {
        name: "llm-memory",
        what: "live bytes per call that waits for its answer",
        run: llm::memory,
    },
    Figure {
        name: "llm-weight",
        what: "crates and stripped size over a bare reqwest program",
        run: llm::weight,
    },
    Figure {
        name: "queue-memory",
        what: "one message through MemoryQueue, leased and acknowledged, against a bounded channel",
        run: queue::memory,
    },
    Figure {
        name: "queue-sqlite",
        what: "one message through SqliteQueue in batches of 100, against rusqlite by hand",
        run: queue::sqlite,
    },
    Figure {
        name: "postgres-batch",
        what: "messages per second through PostgresQueue in batches of 100, against SKIP LOCKED by hand",
        run: queue::postgres,
    },
    Figure {
        name: "redis-commands",
        what: "commands per message and per idle minute on Redis",
        run: queue::commands,
    },
    Figure {
        name: "redis-batch",
        what: "batches of 100 on Redis, against pipelines on a stream by hand",
        run: queue::batch,
    },
    Figure {
        name: "redis-latency",
        what: "from enqueue to handler on Redis at 100 messages per second",
        run: queue::latency,
    },
    Figure {
        name: "store-sqlite",
        what: "a page of 6 kB saved and read on SQLite, against rusqlite by hand",
        run: store::sqlite,
    },
    Figure {
        name: "store-writers",
        what: "16 writers at once on SQLite, against one",
        run: store::writers,
    },
    Figure {
        name: "store-postgres",
        what: "a page of 6 kB saved and read on Postgres, against tokio-postgres and deadpool by hand",
        run: store::postgres,
    },
    Figure {
        name: "store-keyset",
        what: "the thousandth piece of a list of 1,000,000 pages",
        run: store::keyset,
    },
    Figure {
        name: "text",
        what: "the weighted length of a post of X, against the crate twitter-text",
        run: text::weighted,
    },
    Figure {
        name: "social-wasm",
        what: "what presswork-social with four networks weighs in a Worker",
        run: social::wasm,
    },
    Figure {
        name: "pipeline",
        what: "the Generator with a slow model: wall time and memory",
        run: pipeline::run,
    },
];
