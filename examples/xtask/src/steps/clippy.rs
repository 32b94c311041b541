use super::{Action, Step};

pub(super) const STEP: Step = Step {
    name: "clippy",
    why: "No lint of the workspace fires, with every feature, in every target.",
    action: Action::Run(&[
        "cargo",
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]),
};
