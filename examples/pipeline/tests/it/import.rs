use std::io::Cursor;
use std::sync::Arc;

use presswork_content_store::{ContentStore, Editing, MemoryStore, Op, Pages, Status};
use presswork_pipeline::import::{Deleted, ImportReport, import};

use crate::support::{World, writes};

async fn take(world: &World, text: &str) -> Result<(u64, u64), String> {
    let report = take_with(world, text, Deleted::Skip).await;
    report.map(|report| (report.created, report.existing))
}

async fn take_with(world: &World, text: &str, deleted: Deleted) -> Result<ImportReport, String> {
    let open = || Ok(Cursor::new(text.to_owned()));
    let report = import(
        world.store.as_ref(),
        &world.config.site,
        "topics.csv",
        open,
        deleted,
        &|_| {},
    )
    .await;
    report.map_err(|error| error.to_string())
}

#[tokio::test]
async fn an_import_twice_plans_once() {
    let world = World::with_topics(0).await;
    let text = "key,slug,keyword\na,a,a\nb,b,b\n";
    assert_eq!(take(&world, text).await, Ok((2, 0)));
    assert_eq!(take(&world, text).await, Ok((0, 2)));
}

#[tokio::test]
async fn a_bad_last_row_changes_nothing() {
    let world = World::with_topics(0).await;
    let mut text = String::from("key,slug,keyword\n");
    for index in 0..2_500 {
        text.push_str(&format!("k{index},k{index},k{index}\n"));
    }
    text.push_str("short\n");
    let error = take(&world, &text).await.unwrap_err();
    assert!(error.starts_with("topics.csv:2502: row: "), "{error}");
    assert_eq!(world.store.counts("almanac").await.unwrap().get(Status::Planned), 0);
}

#[tokio::test]
async fn more_rows_than_one_transaction_holds_are_all_planned() {
    let world = World::with_topics(0).await;
    let rows: String = (0..2_500)
        .map(|index| format!("k{index},k{index},k{index}\n"))
        .collect();
    assert_eq!(take(&world, &format!("key,slug,keyword\n{rows}")).await, Ok((2_500, 0)));
}

#[tokio::test]
async fn a_slug_of_another_topic_is_named() {
    let world = World::with_topics(0).await;
    take(&world, "key,slug,keyword\na,same,a\n").await.unwrap();
    let error = take(&world, "key,slug,keyword\nb,same,b\n").await.unwrap_err();
    assert_eq!(
        error,
        "topics.csv:2: slug: \"same\" belongs to the topic \"a\" in the store; give one of the two another"
    );
}

/// The conflict stands behind a batch that would have been written.
#[tokio::test]
async fn a_slug_or_keyword_of_another_topic_changes_nothing() {
    let world = World::with_topics(1).await;
    let rows: String = (0..1_200).map(|at| format!("k{at},s{at},word {at}\n")).collect();
    for (row, words) in [
        (
            "other,topic-000,mine",
            "slug: \"topic-000\" belongs to the topic \"topic-000\"",
        ),
        (
            "other,mine,About Topic-000",
            "keyword: \"about topic-000\" belongs to the topic \"topic-000\"",
        ),
    ] {
        let error = take(&world, &format!("key,slug,keyword\n{rows}{row}\n"))
            .await
            .unwrap_err();
        assert!(
            error.starts_with("topics.csv:1202: ") && error.contains(words),
            "{error}"
        );
        assert_eq!(world.store.counts("almanac").await.unwrap().get(Status::Planned), 1);
    }
}

#[tokio::test]
async fn a_page_that_was_public_and_deleted_does_not_come_back() {
    let (mut world, store) = (World::with_topics(0).await, Arc::new(MemoryStore::new()));
    world.store = Arc::clone(&store) as Arc<dyn ContentStore>;
    let rows =
        |keys: std::ops::Range<u32>| -> String { keys.map(|key| format!("k{key},s{key},word {key}\n")).collect() };
    take(&world, &format!("key,slug,keyword\n{}", rows(0..2)))
        .await
        .unwrap();
    assert_eq!(world.run(writes(2)).await.published, 2);
    let gone = world.page("s0").await;
    store.delete(&Op::now(), &gone.to_ref()).await.unwrap();
    let text = format!("key,slug,keyword\n{}", rows(0..3));
    for (deleted, created, left_out) in [(Deleted::Skip, 1, 1), (Deleted::Skip, 0, 1), (Deleted::PlanAgain, 1, 0)] {
        let report = take_with(&world, &text, deleted).await.unwrap();
        assert_eq!((report.created, report.deleted), (created, left_out), "{deleted:?}");
    }
    assert_eq!(store.counts("almanac").await.unwrap().get(Status::Planned), 2);
}
