//! Several processes on one server: disjoint, killed, cut off.

use super::{server::available, shared::Database};
use crate::{cut, kills};

#[tokio::test]
async fn two_processes_are_disjoint() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let database = Database::start().await;
    kills::two_processes_are_disjoint(database.url()).await;
}

#[tokio::test]
async fn killed_consumers_lose_nothing() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let database = Database::start().await;
    kills::killed_consumers_lose_nothing(database.url()).await;
}

#[tokio::test]
async fn poison_ends_as_a_dead_letter() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let database = Database::start().await;
    kills::poison_ends_as_a_dead_letter(database.url()).await;
}

#[tokio::test]
async fn connection_cut_anywhere_loses_nothing() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let database = Database::start().await;
    cut::connection_cut_anywhere_loses_nothing(database.url()).await;
}
