use super::{Action, Step};

pub(super) const STEP: Step = Step {
    name: "plain",
    why: "`cargo test` passes with default features on a machine that has only Rust.",
    // Counted as one: its tests are those of `tests` and `doctests` again.
    action: Action::Run(&["cargo", "test", "--locked", "--quiet"]),
};
