use presswork_pipeline::serve::{Asked, serve};
use presswork_pipeline::site::Answer;

use crate::support::World;

const SECRET: &str = "0123456789abcdef";

async fn ask(world: &World, method: &str, path: &str, secret: &str, body: &str) -> Answer {
    let asked = Asked {
        method: method.into(),
        path: path.into(),
        authorization: Some(format!("Bearer {secret}")),
        body: body.into(),
        ..Asked::default()
    };
    let run = async || Err("no run here".to_owned());
    let queue = (world.queue.as_ref() as &dyn presswork_queue::Queue, "pages");
    serve(&asked, SECRET, &world.config.site, world.store.as_ref(), queue, run)
        .await
        .unwrap()
}

#[tokio::test]
async fn only_the_owner_may_do_more_than_read() {
    let world = World::with_topics(0).await;
    for (method, path) in [
        ("POST", "/run"),
        ("POST", "/topics"),
        ("POST", "/redrive"),
        ("GET", "/dead-letters"),
        ("DELETE", "/"),
    ] {
        assert_eq!(ask(&world, method, path, "wrong", "").await.status, 401, "{path}");
    }
    assert_eq!(ask(&world, "GET", "/healthz", "", "").await.status, 200);
    assert_eq!(ask(&world, "GET", "/no-such-page/", "", "").await.status, 404);
    assert_eq!(ask(&world, "POST", "/run", SECRET, "").await.status, 503);
    assert_eq!(ask(&world, "GET", "/dead-letters", SECRET, "").await.body, "[]");
    assert_eq!(
        ask(&world, "POST", "/redrive", SECRET, "").await.body,
        r#"{"redriven":0}"#
    );
    let planned = ask(&world, "POST", "/topics", SECRET, "key,slug,keyword\na,a,about a\n").await;
    assert_eq!(planned.body, r#"{"created":1,"updated":0,"existing":0,"deleted":0}"#);
}
