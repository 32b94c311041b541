//! The same rows by hand: one connection, prepared statements, no thread between, nothing for a repeat but the op's row.

use std::{path::Path, time::SystemTime};

use meter::Meter;
use presswork_content_store::{Content, Page, PageRef, SavePage, Status};
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use crate::{database, refs, save as saved};

fn open(folder: &Path) -> Connection {
    let connection = Connection::open(database(folder)).unwrap();
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
        .unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    connection
}

pub fn save(folder: &Path, n: usize) {
    save_each(folder, n, |connection, page, save| {
        save_one(connection, page, save).unwrap()
    });
}

/// As [`save`], and harmless when repeated; and the page is given back.
pub fn save_alike(folder: &Path, n: usize) {
    save_each(folder, n, |connection, page, save| {
        let found = save_or_repeat(connection, page, save).unwrap();
        assert!(found.content.unwrap().body_html.len() > 5900);
    });
}

fn save_each(folder: &Path, n: usize, save_one: impl Fn(&Connection, &PageRef, &SavePage)) {
    let connection = open(folder);
    let pages: Vec<_> = refs(folder).into_iter().take(n).collect();
    assert_eq!(pages.len(), n);
    let save = saved();
    let meter = Meter::start();
    for page in &pages {
        save_one(&connection, page, &save);
    }
    meter.per(n as u64).print();
}

fn save_or_repeat(connection: &Connection, page: &PageRef, save: &SavePage) -> rusqlite::Result<Page> {
    let op = uuid::Uuid::now_v7().to_string();
    let request = format!("save {}@{} to {}", page.id, page.version, save.to);
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut known = connection.prepare_cached("SELECT request FROM content_op WHERE op_id = ?1")?;
    let found: Option<String> = known.query_row([&op], |row| row.get(0)).optional()?;
    match found {
        Some(found) => assert_eq!(found, request),
        None => write(connection, page, save, &op, &request)?,
    }
    let mut get = connection.prepare_cached(GET)?;
    let mut found = get.query_row([page.id.to_string()], head)?;
    found.content = Some(save.content.clone());
    connection.execute_batch("COMMIT")?;
    Ok(found)
}

fn save_one(connection: &Connection, page: &PageRef, save: &SavePage) -> rusqlite::Result<()> {
    let op = uuid::Uuid::now_v7().to_string();
    connection.execute_batch("BEGIN IMMEDIATE")?;
    write(connection, page, save, &op, "save")?;
    connection.execute_batch("COMMIT")
}

fn write(connection: &Connection, page: &PageRef, save: &SavePage, op: &str, request: &str) -> rusqlite::Result<()> {
    let content = &save.content;
    let id = page.id.to_string();
    let at = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
    let keywords = serde_json::to_string(&content.keywords).unwrap();
    let hooks = serde_json::to_string(&content.hooks).unwrap();
    let hash = hash(content);
    let version = page.version as i64;
    let mut step =
        connection.prepare_cached("INSERT INTO content_op (op_id, nonce, request, at_ms) VALUES (?1, ?1, ?3, ?2)")?;
    step.execute((op, at, request))?;
    let mut step = connection.prepare_cached(
        "UPDATE content_metadata SET status = ?3, version = version + 1, updated_at_ms = ?4, last_error = NULL, \
         lease_owner = NULL, lease_until_ms = NULL, not_before_ms = NULL, published_at_ms = COALESCE(published_at_ms, ?4), \
         modified_at_ms = ?4, content_hash = ?5, title = ?6, description = ?7, keywords_json = ?8, image_prompt = ?9, \
         hooks_json = ?10, canonical_url = ?11, quality_json = ?12, model = ?13, word_count = ?14, body_html = ?15 \
         WHERE id = ?1 AND version = ?2 AND status = 'generating'",
    )?;
    let changed = step.execute(rusqlite::params![
        id,
        version,
        save.to.as_str(),
        at,
        hash,
        content.title,
        content.description,
        keywords,
        content.image_prompt,
        hooks,
        content.canonical_url,
        content.quality.to_string(),
        content.model,
        content.word_count,
        content.body_html
    ])?;
    assert_eq!(changed, 1);
    let mut step = connection.prepare_cached(
        "INSERT INTO content_revision (content_id, version, op_id, status, content_hash, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    step.execute((&id, version + 1, op, save.to.as_str(), &hash, at))?;
    let mut step = connection.prepare_cached(
        "INSERT INTO outbox (id, topic, page_id, payload_json, status, attempts, available_at_ms, created_at_ms) \
         VALUES (?1, ?2, ?3, ?4, 'pending', 0, ?5, ?5)",
    )?;
    for (n, message) in save.outbox.iter().enumerate() {
        step.execute((
            format!("{op}/{n}"),
            &message.topic,
            &id,
            message.payload.to_string(),
            at,
        ))?;
    }
    Ok(())
}

pub fn hash(content: &Content) -> String {
    let mut hash = Sha256::new();
    for part in [
        &content.title,
        &content.description,
        &content.body_html,
        &content.image_prompt,
        &content.canonical_url,
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    for part in content.keywords.iter().chain(&content.hooks) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digits = b"0123456789abcdef";
    hash.finalize()
        .iter()
        .flat_map(|byte| {
            [
                digits[(byte >> 4) as usize] as char,
                digits[(byte & 15) as usize] as char,
            ]
        })
        .collect()
}

pub const COLUMNS: &str = "id, site, locale, slug, row_key, primary_keyword, topic_json, status, version, attempts, last_error, \
    not_before_ms, lease_owner, lease_until_ms, created_at_ms, updated_at_ms, published_at_ms, modified_at_ms, content_hash, \
    title, description, keywords_json, image_prompt, hooks_json, canonical_url, quality_json, model, word_count, body_html";

/// A page without its content.
const GET: &str = "SELECT id, site, locale, slug, row_key, primary_keyword, topic_json, status, version, attempts, last_error, \
    not_before_ms, lease_owner, lease_until_ms, created_at_ms, updated_at_ms, published_at_ms, modified_at_ms, content_hash \
    FROM content_metadata WHERE id = ?1";

pub fn get(folder: &Path, n: usize) {
    let connection = open(folder);
    let page = refs(folder)[0];
    save_one(&connection, &page, &saved()).unwrap();
    let sql = format!("SELECT {COLUMNS} FROM content_metadata WHERE id = ?1");
    let meter = Meter::start();
    for _ in 0..n {
        let mut get = connection.prepare_cached(&sql).unwrap();
        let page = get.query_row([page.id.to_string()], read).optional().unwrap().unwrap();
        assert!(page.content.unwrap().body_html.len() > 5900);
    }
    meter.per(n as u64).print();
}

fn read(row: &Row<'_>) -> rusqlite::Result<Page> {
    let json = |text: &str| serde_json::from_str(text).unwrap();
    let list = |text: &str| serde_json::from_str(text).unwrap();
    let str = |at: usize| row.get_ref(at).map(|value| value.as_str().unwrap());
    let mut page = head(row)?;
    page.content = Some(Content {
        title: row.get(19)?,
        description: row.get(20)?,
        keywords: list(str(21)?),
        image_prompt: row.get(22)?,
        hooks: list(str(23)?),
        canonical_url: row.get(24)?,
        quality: json(str(25)?),
        model: row.get(26)?,
        word_count: row.get(27)?,
        body_html: row.get(28)?,
    });
    Ok(page)
}

#[inline]
fn head(row: &Row<'_>) -> rusqlite::Result<Page> {
    let json = |text: &str| serde_json::from_str(text).unwrap();
    let str = |at: usize| row.get_ref(at).map(|value| value.as_str().unwrap());
    Ok(Page {
        id: str(0)?.parse().unwrap(),
        site: row.get(1)?,
        locale: row.get(2)?,
        slug: row.get(3)?,
        row_key: row.get(4)?,
        primary_keyword: row.get(5)?,
        topic: json(str(6)?),
        status: Status::ALL
            .into_iter()
            .find(|status| str(7).is_ok_and(|text| text == status.as_str()))
            .unwrap(),
        version: row.get::<_, i64>(8)? as u64,
        attempts: row.get(9)?,
        last_error: row.get(10)?,
        not_before_ms: row.get(11)?,
        lease_owner: row.get(12)?,
        lease_until_ms: row.get(13)?,
        created_at_ms: row.get(14)?,
        updated_at_ms: row.get(15)?,
        published_at_ms: row.get(16)?,
        modified_at_ms: row.get(17)?,
        content_hash: row.get(18)?,
        content: None,
    })
}
