//! `presswork edit`, `rename` and `delete`, and what the site says afterwards.

use crate::support::{Folder, small_site};

fn made() -> Folder {
    let folder = Folder::new();
    small_site(&folder, 2);
    folder.run(&[]).expect(0);
    folder
}

const PAGE: &str = "presswork-data/site/slug-0/index.html";

#[test]
fn an_edit_is_on_the_site_and_sanitised() {
    let folder = made();
    folder.write(
        "body.html",
        "<h2>New facts</h2><p onclick=\"x()\">Four words are enough.</p><script>1</script>",
    );
    let title = "Another title that is long enough for the gate";
    folder
        .run(&[
            "edit",
            "slug-0",
            "--title",
            title,
            "--body",
            "body.html",
            "--reason",
            "better",
        ])
        .expect(0);
    let page = folder.read(PAGE);
    assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
    assert!(
        page.contains("<p>Four words are enough.</p>") && !page.contains("onclick"),
        "{page}"
    );
    assert!(
        page.contains("A description of key-0"),
        "what was not named stays: {page}"
    );
}

#[test]
fn an_edit_that_fails_a_gate_changes_nothing() {
    let folder = made();
    let before = folder.read(PAGE);
    folder
        .run(&["edit", "slug-0", "--title", "Short"])
        .expect(1)
        .says(&["slug-0 is not changed", "title has 5 characters"]);
    assert_eq!(folder.read(PAGE), before);
    folder.run(&["edit", "slug-0"]).expect(2);
    folder
        .run(&["edit", "slug-9", "--title", "x"])
        .expect(1)
        .says(&["no page \"slug-9\""]);
    folder
        .run(&["edit", "slug-0", "--unlock", "colour"])
        .expect(2)
        .says(&["--unlock is \"colour\"", "body_html"]);
}

#[test]
fn an_old_address_leads_to_the_new_one() {
    let folder = made();
    folder.run(&["rename", "slug-0", "fresh"]).expect(0);
    let page = folder.read("presswork-data/site/fresh/index.html");
    assert!(
        page.contains("<link rel=\"canonical\" href=\"https://small.example/fresh/\">"),
        "{page}"
    );
    let old = folder.read(PAGE);
    assert!(old.contains("url=/fresh/") && old.contains("noindex"), "{old}");
    let sitemap = folder.read("presswork-data/site/sitemap.xml");
    assert!(
        sitemap.contains("/fresh/") && !sitemap.contains("/slug-0/"),
        "{sitemap}"
    );
    folder
        .run(&["edit", "slug-0", "--title", "x"])
        .expect(1)
        .says(&["page \"slug-0\" is \"fresh\" now"]);
    folder.run(&["rename", "slug-1", "fresh"]).expect(1).says(&["fresh"]);
    // The next run keeps it so, and a move back leaves no loop.
    folder.run(&["run"]).expect(0);
    assert!(folder.read(PAGE).contains("url=/fresh/"));
    folder.run(&["rename", "fresh", "slug-0"]).expect(0);
    assert!(folder.read(PAGE).contains("<article>"));
    assert!(
        folder
            .read("presswork-data/site/fresh/index.html")
            .contains("url=/slug-0/")
    );
}

#[test]
fn a_deleted_page_is_gone_when_it_is_meant() {
    let folder = made();
    folder.run(&["delete", "slug-0"]).expect(2).says(&["for good", "--yes"]);
    assert!(folder.path(PAGE).exists());
    folder.run(&["delete", "slug-0", "--yes"]).expect(0);
    assert!(!folder.path("presswork-data/site/slug-0").exists());
    assert!(!folder.read("presswork-data/site/index.html").contains("slug-0"));
    folder
        .run(&["delete", "slug-0", "--yes"])
        .expect(1)
        .says(&["was deleted"]);
    assert_eq!(folder.site(), ["slug-1"]);
    // The next cycle reads the same topics and does not make it again.
    folder.run(&[]).expect(0);
    assert_eq!(folder.site(), ["slug-1"]);
    let said = folder.run(&["import", "topics.csv"]).expect(0).out;
    assert!(
        said.contains("0 topics planned") && said.contains("1 left out"),
        "{said}"
    );
    let said = folder.run(&["import", "topics.csv", "--deleted"]).expect(0).out;
    assert!(said.starts_with("1 topics planned"), "{said}");
    folder.run(&[]).expect(0);
    assert_eq!(folder.site().len(), 2);
}
