use super::{Action, Step};

pub(super) const STEP: Step = Step {
    name: "fmt",
    why: "Every file is formatted as rustfmt.toml says.",
    action: Action::Run(&["cargo", "fmt", "--all", "--check", "--", "--color", "never"]),
};
