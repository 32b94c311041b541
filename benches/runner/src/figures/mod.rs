//! The figures, each in the file of the crate it is about.

mod llm;

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
];
