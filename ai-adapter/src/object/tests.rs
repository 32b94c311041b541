//! Tests of typed output.
