//! `presswork serve`: schedule, site, status page, and an orderly end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Folder, small_site};

struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(folder: &Folder, args: &[&str]) -> Self {
        let mut child = folder
            .command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .trim_start_matches("site")
            .trim()
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        Self { child, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn interrupt(&mut self) -> i32 {
        Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .unwrap();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_drafts_posts_serves_and_ends_in_order() {
    let folder = Folder::new();
    small_site(&folder, 5);
    let mut served = Served::start(&folder, &["--now"]);
    until("five posts", || folder.posts().len() == 5);
    let page = served.get("/slug-3/");
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("There are 3 facts here."),
        "{page}"
    );
    assert!(served.get("/slug-99/").starts_with("HTTP/1.1 404"));
    assert!(served.get("/slug-3").starts_with("HTTP/1.1 308"));
    for elsewhere in ["/%2Fexample.com", "/%5Cexample.com", "/Slug"] {
        assert!(served.get(elsewhere).starts_with("HTTP/1.1 404"), "{elsewhere}");
    }
    assert!(served.get("/").contains("slug-4"));
    assert!(served.get("/sitemap.xml").contains("https://small.example/slug-0/"));
    assert!(served.get("/feed.xml").contains("<entry>"));
    assert!(
        served
            .get("/robots.txt")
            .contains("Sitemap: https://small.example/sitemap.xml")
    );
    assert!(served.get("/-/status").contains("<dt>Published</dt><dd>5</dd>"));
    assert!(served.get("/-/status.json").contains("\"posted\":5"));
    assert_eq!(served.interrupt(), 0);
    assert!(folder.posts().values().all(|count| *count == 1));
    assert_eq!(folder.site().len(), 5, "the site folder is written, too");
}

#[test]
fn a_run_that_fails_is_tried_again_soon() {
    let folder = Folder::new();
    small_site(&folder, 2);
    folder.run(&["import", "topics.csv"]).expect(0);
    let other = rusqlite::Connection::open(folder.path("presswork-data/content.db")).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE UPDATE ON content_metadata BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    let _served = Served::start(&folder, &["--now"]);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(folder.posts().len(), 0);
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    until("two posts", || folder.posts().len() == 2);
}

#[test]
fn an_idle_connection_does_not_keep_it_from_ending() {
    let folder = Folder::new();
    small_site(&folder, 1);
    let mut served = Served::start(&folder, &[]);
    let mut idle = TcpStream::connect(&served.address).unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    served.get("/-/health");
    let started = Instant::now();
    assert_eq!(served.interrupt(), 0);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[test]
fn an_approval_from_another_process_is_posted() {
    let folder = Folder::new();
    small_site(&folder, 1);
    let settings = folder
        .read("presswork.toml")
        .replace("[gates]", "[generator]\nreview = true\n[gates]");
    folder.write("presswork.toml", settings);
    let served = Served::start(&folder, &["--now"]);
    until("a page in review", || {
        served.get("/-/status.json").contains("\"in_review\":1")
    });
    folder.run(&["review", "approve", "slug-0"]).expect(0);
    until("the post", || folder.posts().len() == 1);
}

#[test]
fn a_bad_schedule_or_zone_is_named() {
    let folder = Folder::new();
    folder.write("presswork.toml", "[serve]\nschedule = \"at dawn\"\n");
    folder
        .run(&["serve"])
        .expect(2)
        .says(&["serve.schedule is \"at dawn\"", "0 6 * * *"]);
    for (schedule, why) in [("* * * * * *", "5 fields"), ("0 6 30 2 *", "never comes")] {
        folder.write("presswork.toml", format!("[serve]\nschedule = \"{schedule}\"\n"));
        folder
            .run(&["serve"])
            .expect(2)
            .says(&["serve.schedule is", why, "five cron fields"]);
    }
    folder.write("presswork.toml", "[serve]\ntime_zone = \"Mars/Base\"\n");
    folder
        .run(&["serve"])
        .expect(2)
        .says(&["serve.time_zone is \"Mars/Base\"", "Europe/Berlin"]);
}
