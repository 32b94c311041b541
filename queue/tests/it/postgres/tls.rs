//! TLS: a server whose certificate an authority of the test's own has signed.

use std::time::Duration;

use presswork_queue::{Consumer, Error, Message, PostgresQueue, Queue};

use super::server::{self, Server};
use crate::certificates::{self, Certificates, text};

#[tokio::test]
async fn each_sslmode_looks_as_far_as_it_says() {
    if let Err(reason) = server::available().and_then(|()| certificates::available()) {
        println!("skipped: {reason}");
        return;
    }
    let (certificates, other) = (Certificates::make(), Certificates::make());
    let server = Server::with_tls(&certificates.certificate(), &certificates.key());
    let at = |host: &str, mode: &str, roots: Option<&Certificates>| {
        let roots = roots.map_or(String::new(), |roots| {
            format!("&sslrootcert={}", text(&roots.authority()))
        });
        let url = server.url().replace("127.0.0.1", host);
        PostgresQueue::connect(format!("{url}?sslmode={mode}{roots}")).timeout(Duration::from_secs(30))
    };
    for (host, mode, roots) in [
        ("localhost", "verify-full", Some(&certificates)),
        ("127.0.0.1", "verify-ca", Some(&certificates)),
        ("127.0.0.1", "require", None),
        ("localhost", "prefer", None),
    ] {
        let queue = at(host, mode, roots).build().await.unwrap();
        queue.send(&Message::new(mode)).await.unwrap();
        let received = queue.receive(1, Duration::ZERO).await.unwrap();
        assert_eq!(received[0].body(), mode.as_bytes());
        let client = server.connection().await;
        let sealed = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE application_name = 'presswork'";
        assert!(client.query_one(sealed, &[]).await.unwrap().get::<_, bool>(0), "{mode}");
    }
    for (host, mode, roots, why) in [
        ("localhost", "verify-full", Some(&other), "certificate"),
        ("localhost", "verify-full", None, "certificate"),
        ("localhost", "verify-ca", Some(&other), "certificate"),
        ("localhost", "require", Some(&other), "certificate"),
        ("127.0.0.1", "verify-full", Some(&certificates), "not valid for name"),
    ] {
        let error = at(host, mode, roots).build().await.unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{host} {mode}: {error:?}");
        assert!(error.to_string().contains(why), "{host} {mode}: {error}");
    }
    let plain = Server::start();
    let error = PostgresQueue::connect(format!("{}?sslmode=require", plain.url()))
        .build()
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Config { message, .. } if message.contains("does not support TLS")),
        "{error:?}"
    );
}
