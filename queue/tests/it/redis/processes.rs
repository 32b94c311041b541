//! Several processes on one server: disjoint, killed, cut off.

use super::server::{Server, available};
use crate::{cut, kills};

#[tokio::test]
async fn two_processes_are_disjoint() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let server = Server::start();
    kills::two_processes_are_disjoint(&server.url()).await;
}

#[tokio::test]
async fn killed_consumers_lose_nothing() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let server = Server::start();
    kills::killed_consumers_lose_nothing(&server.url()).await;
}

#[tokio::test]
async fn poison_ends_as_a_dead_letter() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let server = Server::start();
    kills::poison_ends_as_a_dead_letter(&server.url()).await;
}

#[tokio::test]
async fn connection_cut_anywhere_loses_nothing() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let server = Server::start();
    cut::connection_cut_anywhere_loses_nothing(&server.url()).await;
}
