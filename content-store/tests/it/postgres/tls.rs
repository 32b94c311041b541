//! TLS to a server with a certificate of a CA made for the test: what each `sslmode` takes and refuses.

use std::path::Path;
use std::process::{Command, Stdio};

use presswork_content_store::{Error, Pages, PostgresStore};
use tokio_postgres::NoTls;

use super::server::Server;

fn openssl(folder: &Path, args: &[&str]) -> bool {
    let run = Command::new("openssl")
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    match run {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(_) => false,
    }
}

/// A CA, one that signed nothing, and a certificate of the first for `localhost` alone.
fn certificates(folder: &Path) -> bool {
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ];
    let ca = |name: &str| {
        let (pem, secret) = (format!("{name}.pem"), format!("{name}.key"));
        let subject = format!("/CN=A CA for a test, {name}");
        let args = [
            &["req", "-x509", "-keyout", &secret, "-out", &pem, "-subj", &subject],
            &key[..],
        ]
        .concat();
        openssl(folder, &args)
    };
    if !ca("ca") || !ca("stranger") {
        println!("skipped: no openssl is installed here");
        return false;
    }
    std::fs::write(
        folder.join("names"),
        "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n",
    )
    .unwrap();
    let ask = [
        "req",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
        "-subj",
        "/CN=localhost",
    ];
    openssl(folder, &[&ask[..], &key[..5]].concat());
    let sign = [
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ];
    openssl(folder, &sign)
}

#[tokio::test]
async fn certificates_are_looked_at_as_sslmode_says() {
    let Some(mut server) = Server::start(&["fsync=off"]).await else {
        return;
    };
    let folder = server.folder().to_owned();
    if !certificates(&folder) {
        return;
    }
    server.own(&folder.join("server.key"));
    let file = |name: &str| folder.join(name).display().to_string();
    let settings = [
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", file("server.pem")),
        format!("ssl_key_file={}", file("server.key")),
    ];
    server.set(&settings).await;

    let (ours, strangers) = (
        file("ca.pem").replace('/', "%2F"),
        file("stranger.pem").replace('/', "%2F"),
    );
    let plain = server.url("");
    let url = |host: &str, mode: &str, roots: Option<&str>| {
        let roots = roots.map(|file| format!("&sslrootcert={file}")).unwrap_or_default();
        let host = plain.replace("@127.0.0.1:", &format!("@{host}:"));
        host.replace("sslmode=disable", &format!("sslmode={mode}{roots}"))
    };
    for (host, mode, roots, good) in [
        ("localhost", "verify-full", Some(&*ours), true),
        ("127.0.0.1", "verify-ca", Some(&*ours), true),
        ("127.0.0.1", "require", None, true),
        ("127.0.0.1", "prefer", None, true),
        // The chain holds, the name does not.
        ("127.0.0.1", "verify-full", Some(&*ours), false),
        // Somebody else's chain, and one that the web does not know.
        ("localhost", "verify-full", Some(&*strangers), false),
        ("localhost", "verify-ca", Some(&*strangers), false),
        ("localhost", "require", Some(&*strangers), false),
        ("localhost", "verify-full", None, false),
        ("localhost", "verify-ca", None, false),
    ] {
        let answer = PostgresStore::builder(url(host, mode, roots))
            .connections(1)
            .connect()
            .await;
        let which = format!("{host} {mode} {roots:?}");
        match answer {
            Ok(store) => {
                assert!(good, "{which} was taken");
                assert_eq!(store.counts("site").await.unwrap().total(), 0);
                assert_eq!(encrypted(&plain).await, (1, 0), "{which}");
            }
            Err(error) => {
                assert!(!good, "{which}: {error:?}");
                let told = format!("{error} {error:?}");
                assert!(matches!(error, Error::Unavailable { .. }), "{which}: {error:?}");
                assert!(
                    told.to_lowercase().contains("certificate") && !told.contains("s3cret"),
                    "{told}"
                );
            }
        }
    }
}

/// The store's connections with and without TLS. One that was just closed may still be counted for a moment.
async fn encrypted(url: &str) -> (i64, i64) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let task = tokio::spawn(connection);
    let sql = "SELECT count(*) FILTER (WHERE s.ssl), count(*) FILTER (WHERE NOT s.ssl) FROM pg_stat_ssl s \
               JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'presswork'";
    let mut seen = (0, 0);
    for _ in 0..200 {
        let row = client.query_one(sql, &[]).await.unwrap();
        seen = (row.get(0), row.get(1));
        if seen == (1, 0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    task.abort();
    seen
}
