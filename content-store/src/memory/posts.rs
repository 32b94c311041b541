use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{Done, MemoryStore, PostRow, STORE, State};
use crate::{
    Counts, Cursor, Error, Op, PostClaim, PostId, PostKey, PostLedger, PostList, PostOutcome, PostQuery, PostRecord,
    PostRef, PostStatus, Result, cursor, limits, text,
};
use crate::{check, request};

#[async_trait]
impl PostLedger for MemoryStore {
    async fn claim_post(&self, op: &Op, key: &PostKey, owner: &str, lease: Duration) -> Result<PostClaim> {
        text::op(op)?;
        check::post_key(key)?;
        text::key("owner", owner)?;
        let until_ms = text::lease_end(op, lease)?;
        self.once(
            op,
            request::claim_post(key, owner),
            |state| state.claim_post(op, key, owner, until_ms),
            |state, done| {
                let row = state
                    .post_keys
                    .get(&key.idempotency_key())
                    .and_then(|id| state.posts.get(id));
                let Some(row) = row else {
                    return Err(page_missing(key)); // and its posts with it
                };
                let ours = done.is_some() && row.last_op == op.id;
                Ok(if ours {
                    check::held(row.record.clone())
                } else {
                    check::moved_on(&row.record, op.at_ms)
                })
            },
        )
    }

    async fn arm_post(
        &self,
        op: &Op,
        post: &PostRef,
        text: &str,
        payload: &Value,
        lease: Duration,
    ) -> Result<PostRecord> {
        text::op(op)?;
        text::free("text", text, limits::TEXT)?;
        text::json_size("payload", payload, limits::JSON)?;
        let until_ms = text::lease_end(op, lease)?;
        let arm = |record: &mut PostRecord| {
            record.attempts += 1;
            record.text = Some(text.to_owned());
            record.payload = payload.clone();
            record.claim_until_ms = Some(until_ms);
            record.in_flight_at_ms = Some(op.at_ms);
        };
        self.step(op, post, PostStatus::InFlight, check::may_arm, arm)
    }

    async fn settle_post(&self, op: &Op, post: &PostRef, outcome: &PostOutcome) -> Result<PostRecord> {
        check::outcome(op, outcome)?;
        let settle = |record: &mut PostRecord| {
            record.claim_owner = None;
            record.claim_until_ms = None;
            record.not_before_ms = None;
            match outcome {
                PostOutcome::Posted { remote_id, url } => {
                    record.remote_id = Some(remote_id.clone());
                    record.url = url.clone();
                    record.posted_at_ms = Some(op.at_ms);
                    record.last_error = None;
                }
                PostOutcome::Retry { error, not_before_ms } => {
                    record.last_error = Some(error.clone());
                    record.not_before_ms = Some(*not_before_ms);
                }
                PostOutcome::Unknown {
                    evidence,
                    error,
                    not_before_ms,
                } => {
                    record.evidence = evidence.clone();
                    record.last_error = Some(error.clone());
                    record.not_before_ms = Some(*not_before_ms);
                }
                PostOutcome::Rejected { error } | PostOutcome::Parked { error } => {
                    record.last_error = Some(error.clone());
                }
            }
        };
        self.step(op, post, outcome.status(), PostStatus::may_settle, settle)
    }

    async fn get_post(&self, key: &PostKey) -> Result<Option<PostRecord>> {
        check::post_key(key)?;
        let state = self.lock();
        let row = state
            .post_keys
            .get(&key.idempotency_key())
            .and_then(|id| state.posts.get(id));
        Ok(row.map(|row| row.record.clone()))
    }

    async fn list_posts<'a>(&self, query: &PostQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PostList> {
        let limit = text::rows(limit)?;
        let filter = cursor::posts_filter(query);
        let after = after.map(|cursor| cursor.position(&filter)).transpose()?;
        let after: Option<PostId> = after.map(|id| id.parse()).transpose()?;
        let wanted = |post: &PostRecord| {
            after.is_none_or(|after| post.id > after)
                && query.site.as_ref().is_none_or(|site| *site == post.site)
                && query.page_id.is_none_or(|page| page == post.key.page_id)
                && query.target.as_ref().is_none_or(|target| *target == post.key.target)
                && query.status.is_none_or(|status| status == post.status)
        };
        let state = self.lock();
        let mut found = state.posts.values().map(|row| &row.record).filter(|post| wanted(post));
        let items: Vec<_> = found.by_ref().take(limit).cloned().collect();
        let more = found.next().is_some();
        let next = items
            .last()
            .filter(|_| more)
            .map(|post| Cursor::after(&filter, &post.id.to_string()));
        Ok(PostList { items, next })
    }

    async fn post_counts(&self) -> Result<Counts<PostStatus>> {
        Ok(self.lock().posts.values().map(|row| (row.record.status, 1)).collect())
    }
}

fn missing(id: String) -> Error {
    Error::NotFound {
        store: STORE,
        what: "post",
        id,
    }
}

impl MemoryStore {
    /// One step of a post that the caller holds.
    fn step(
        &self,
        op: &Op,
        post: &PostRef,
        to: PostStatus,
        legal: fn(PostStatus, PostStatus) -> bool,
        change: impl FnOnce(&mut PostRecord),
    ) -> Result<PostRecord> {
        let run = |state: &mut State| {
            let row = state
                .posts
                .get_mut(&post.id)
                .ok_or_else(|| missing(post.id.to_string()))?;
            check::post_step(STORE, post, (row.record.version, row.record.status), to, legal)?;
            change(&mut row.record);
            row.record.status = to;
            row.record.version += 1;
            row.record.updated_at_ms = op.at_ms;
            row.last_op = op.id;
            Ok(Some(Done::Post))
        };
        self.once(op, request::post(post, to), run, |state, _| {
            let row = state.posts.get(&post.id).ok_or_else(|| missing(post.id.to_string()))?;
            Ok(row.record.clone())
        })
    }
}

impl State {
    fn claim_post(&mut self, op: &Op, key: &PostKey, owner: &str, until_ms: i64) -> Result<Option<Done>> {
        let idem_key = key.idempotency_key();
        let page = self.pages.get(&key.page_id);
        if page.is_none() && !self.post_keys.contains_key(&idem_key) {
            return Err(page_missing(key));
        }
        let site = page.map(|row| row.page.site.clone()).unwrap_or_default();
        let id = *self.post_keys.entry(idem_key).or_insert_with(PostId::new);
        let row = self.posts.entry(id).or_insert_with(|| PostRow {
            record: new_post(op, id, key, site),
            last_op: op.id,
        });
        if check::not_claimable(&row.record, op.at_ms).is_some() {
            return Ok(None);
        }
        let record = &mut row.record;
        record.status = match record.status {
            PostStatus::InFlight | PostStatus::Unknown => PostStatus::Unknown,
            _ => PostStatus::Claimed,
        };
        record.version += 1;
        record.claim_owner = Some(owner.to_owned());
        record.claim_until_ms = Some(until_ms);
        record.not_before_ms = None;
        record.updated_at_ms = op.at_ms;
        row.last_op = op.id;
        Ok(Some(Done::Post))
    }
}

fn page_missing(key: &PostKey) -> Error {
    Error::NotFound {
        store: STORE,
        what: "page",
        id: key.page_id.to_string(),
    }
}

fn new_post(op: &Op, id: PostId, key: &PostKey, site: String) -> PostRecord {
    PostRecord {
        id,
        key: key.clone(),
        site,
        status: PostStatus::Claimed,
        version: 0,
        attempts: 0,
        text: None,
        payload: Value::Null,
        not_before_ms: None,
        claim_owner: None,
        claim_until_ms: None,
        remote_id: None,
        url: None,
        evidence: Value::Null,
        last_error: None,
        in_flight_at_ms: None,
        posted_at_ms: None,
        created_at_ms: op.at_ms,
        updated_at_ms: op.at_ms,
    }
}
