//! The site as files, long ones too, and search engines that are told of it.

use serde_json::Value;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Folder, SETTINGS, small_site, topics};

#[test]
fn a_long_site_has_pages_of_its_list() {
    let folder = Folder::new();
    small_site(&folder, 101);
    let late = "presswork-data/site/page/3/index.html";
    folder.write(late, "of a time when there were more pages");
    folder.run_with("PRESSWORK_PAGES_PER_RUN", "101", &[]).expect(0);
    let (first, second) = (
        folder.read("presswork-data/site/index.html"),
        folder.read("presswork-data/site/page/2/index.html"),
    );
    assert!(
        first.contains("href=\"/page/2/\"") && second.contains("Page 2 of 2"),
        "{second}"
    );
    assert_eq!(first.matches("<li>").count() + second.matches("<li>").count(), 101);
    assert!(!folder.path(late).exists());
}

/// The engine's requests so far: the addresses of each.
async fn told(engine: &MockServer) -> Vec<Value> {
    let requests = engine.received_requests().await.unwrap();
    let bodies = requests
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap());
    bodies.map(|mut body| body["urlList"].take()).collect()
}

async fn run(folder: &Folder, args: &'static [&'static str]) -> crate::support::Ran {
    let mut command = folder.command(args);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    crate::support::Ran::from(output.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn search_engines_are_told_once_of_what_is_new() {
    let engine = MockServer::start().await;
    let answer = |status: u16| {
        Mock::given(method("POST"))
            .and(path("/indexnow"))
            .respond_with(ResponseTemplate::new(status))
    };
    let folder = Folder::new();
    small_site(&folder, 2);
    let site = format!(
        "[site]\nindexnow_key = \"0123-abcd\"\nindexnow_endpoint = \"{}/indexnow\"",
        engine.uri()
    );
    folder.write("presswork.toml", SETTINGS.replace("[site]", &site));

    // A refusal costs nothing, and nothing is forgotten.
    let refusing = answer(429).mount_as_scoped(&engine).await;
    run(&folder, &[])
        .await
        .expect(0)
        .says(&["search engines were not told", "too many requests"]);
    drop(refusing);
    answer(202).mount(&engine).await;
    run(&folder, &[]).await.expect(0);
    let both = serde_json::json!(["https://small.example/slug-0/", "https://small.example/slug-1/"]);
    assert_eq!(told(&engine).await, [both.clone(), both.clone()]);
    assert_eq!(folder.read("presswork-data/site/0123-abcd.txt"), "0123-abcd");

    folder.write("topics.csv", topics(3));
    run(&folder, &[]).await.expect(0);
    run(&folder, &[]).await.expect(0);
    let new = serde_json::json!(["https://small.example/slug-2/"]);
    assert_eq!(told(&engine).await, [both.clone(), both, new]);
}

#[test]
fn a_key_no_engine_takes_is_refused() {
    let folder = Folder::new();
    folder.write("presswork.toml", "[site]\nindexnow_key = \"short\"\n");
    folder
        .run(&[])
        .expect(2)
        .says(&["presswork.toml", "site.indexnow_key is \"short\"", "8 to 128"]);
}
