//! One file per command.

pub(crate) mod check;
pub(crate) mod cycle;
pub(crate) mod edit;
pub(crate) mod import;
pub(crate) mod posts;
pub(crate) mod redrive;
pub(crate) mod resolve;
pub(crate) mod review;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod transfer;
