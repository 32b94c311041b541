use super::*;

fn rows(text: &[u8]) -> Result<Vec<NewPage>, String> {
    Topics::new("topics.csv", text, &SiteConfig::default())
        .and_then(|topics| topics.collect())
        .map_err(|error| error.to_string())
}

#[test]
fn a_row_becomes_a_planned_page_with_its_facts() {
    let pages = rows(b"key,slug,keyword,offset\nEurope/Berlin,berlin,time in berlin,+01:00\n").unwrap();
    assert_eq!(pages[0].slug, "berlin");
    assert_eq!(pages[0].topic["offset"], "+01:00");
}

#[test]
fn a_byte_order_mark_and_crlf_are_fine() {
    assert_eq!(
        rows("\u{feff}key,slug,keyword\r\na,a,a\r\n".as_bytes()).unwrap().len(),
        1
    );
}

#[test]
fn a_wrong_header_names_the_missing_column() {
    let error = rows(b"key,slug,name\na,a,a\n").unwrap_err();
    assert!(
        error.starts_with("topics.csv:1: column \"keyword\" is missing"),
        "{error}"
    );
    assert!(rows(b"").unwrap_err().contains("column \"key\" is missing"));
    assert_eq!(
        rows(b"key,slug,keyword,key\n").unwrap_err(),
        "topics.csv:1: column \"key\" is there twice"
    );
}

#[test]
fn a_short_row_names_its_line() {
    let error = rows(b"key,slug,keyword\na,a,a\nb,b\n").unwrap_err();
    assert_eq!(error, "topics.csv:3: row: the row has 2 cells, the header has 3");
}

#[test]
fn bytes_that_are_not_utf8_name_line_and_column() {
    let error = rows(b"key,slug,keyword\na,a,a\nb,b,\xff\n").unwrap_err();
    assert_eq!(
        error,
        "topics.csv:3: row: column \"keyword\" is not UTF-8 at byte 0 of the cell"
    );
}

#[test]
fn a_duplicate_key_slug_or_keyword_is_refused() {
    let error = rows(b"key,slug,keyword\na,a,a\na,b,b\n").unwrap_err();
    assert_eq!(error, "topics.csv:3: key: \"a\" is there already in an earlier row");
    assert!(
        rows(b"key,slug,keyword\na,a,Kw\nA,b,kW\n")
            .unwrap_err()
            .contains(":3: keyword: ")
    );
    assert!(
        rows(b"key,slug,keyword\na,a,a\nb,a,b\n")
            .unwrap_err()
            .contains(":3: slug: ")
    );
}

#[test]
fn an_empty_identity_or_a_bad_slug_is_refused() {
    assert_eq!(
        rows(b"key,slug,keyword\n,a,a\n").unwrap_err(),
        "topics.csv:2: key: the cell is empty"
    );
    assert!(
        rows(b"key,slug,keyword\na,A b,a\n")
            .unwrap_err()
            .starts_with("topics.csv:2: row: ")
    );
}

#[test]
fn a_long_cell_is_refused() {
    let text = format!("key,slug,keyword,fact\na,a,a,{}\n", "x".repeat(MAX_CELL + 1));
    assert!(
        rows(text.as_bytes())
            .unwrap_err()
            .contains("topics.csv:2: fact: the cell has 65537 bytes")
    );
}

#[test]
fn a_cell_of_ten_megabytes_is_refused_without_being_held() {
    let endless = b"key,slug,keyword,fact\na,a,a,\"".chain(io::repeat(b'x'));
    let error = Topics::new("topics.csv", endless, &SiteConfig::default())
        .unwrap()
        .next()
        .unwrap()
        .unwrap_err();
    assert!(
        error.to_string().contains("does not end within 1048576 bytes"),
        "{error}"
    );
}
