//! Plays a history on one store, and tells what it saw in words that name no id.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use presswork_content_store::{
    Claim, Content, DeadLetterClaim, DeadLetterId, Edit, Field, FullStore, NewDeadLetter, NewOutbox, NewPage, NewSpend,
    Op, OutboxClaim, OutboxId, PageId, PageQuery, PageRef, PostKey, PostOutcome, PostQuery, PostRef, PrunePlan, Result,
    SavePage, Status, Transition,
};
use serde_json::{Value, json};

use super::step::Step;

const NOW: i64 = 1_790_000_000_000;
const LEASE: Duration = Duration::from_millis(50);
const SITES: [&str; 2] = ["one", "two"];

/// A step with everything it names found in the store.
#[derive(Clone)]
enum Call {
    Plan(Vec<NewPage>),
    Claim(Claim),
    Save(PageRef, SavePage),
    Move(PageRef, Transition),
    Edit(PageRef, Edit),
    Delete(PageRef),
    ClaimOutbox(OutboxClaim),
    MarkSent(String, Vec<OutboxId>),
    Release(Vec<OutboxId>, i64),
    ClaimPost(PostKey),
    Arm(PostRef),
    Settle(PostRef, PostOutcome),
    Spend(Vec<NewSpend>),
    Bury(NewDeadLetter),
    Take(Vec<DeadLetterId>),
    Remove(Option<&'static str>, Vec<DeadLetterId>),
    Prune(PrunePlan),
}

pub(crate) struct Player {
    store: Arc<dyn FullStore>,
    /// Every page there ever was, in the order of their making.
    pages: Vec<PageId>,
    /// Messages claimed.
    rows: Vec<OutboxId>,
    calls: Vec<(Op, Call)>,
    names: HashMap<String, usize>,
}

impl Player {
    pub(crate) fn new(store: Arc<dyn FullStore>) -> Self {
        let (pages, rows, calls) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            store,
            pages,
            rows,
            calls,
            names: HashMap::new(),
        }
    }

    /// Makes the step, `times` over with the same op. Gives what was answered last.
    pub(crate) async fn play(&mut self, step: &Step, op: Op, times: usize) -> String {
        let (op, call) = match step {
            Step::Wait { .. } => return String::new(),
            Step::Again { call } => match self.calls.get(usize::from(*call) % self.calls.len().max(1)) {
                Some(call) => call.clone(),
                None => return String::new(),
            },
            step => match self.find(step, op.at_ms).await {
                Some(call) => (op, call),
                None => return "nothing to do it with".to_owned(),
            },
        };
        self.calls.push((op, call.clone()));
        let mut told = String::new();
        // Pruning has no op: a repeat deletes more.
        let times = if matches!(call, Call::Prune(_)) { 1 } else { times };
        for _ in 0..times {
            told = self.make(&op, &call).await;
        }
        for site in SITES {
            for page in self.store.list(&query(site), None, 1_000).await.unwrap().items {
                if !self.pages.contains(&page.id) {
                    self.pages.push(page.id);
                }
            }
        }
        self.anonymous(&told)
    }

    /// Where pages and posts stand.
    pub(crate) async fn statuses(&self) -> Vec<String> {
        let mut found = Vec::new();
        for site in SITES {
            let pages = self.store.list(&query(site), None, 1_000).await.unwrap().items;
            found.extend(pages.iter().map(|page| format!("page {}", page.status)));
        }
        let posts = self.store.list_posts(&PostQuery::default(), None, 1_000).await.unwrap();
        found.extend(posts.items.iter().map(|post| format!("post {}", post.status)));
        found
    }

    async fn page(&self, n: u8, stale: bool) -> Option<PageRef> {
        let id = *self.pages.get(usize::from(n) % self.pages.len().max(1))?;
        let version = self.store.get(&id).await.unwrap().map_or(1, |page| page.version);
        Some(PageRef {
            id,
            version: version - u64::from(stale),
        })
    }

    async fn post(&self, n: u8) -> Option<PostRef> {
        let posts = self
            .store
            .list_posts(&PostQuery::default(), None, 1_000)
            .await
            .unwrap()
            .items;
        posts.get(usize::from(n) % posts.len().max(1)).map(|post| post.to_ref())
    }

    async fn letters(&self, wanted: &[u8]) -> Vec<DeadLetterId> {
        let letters = self.store.list_dead_letters(None, None, 1_000).await.unwrap().items;
        let pick = |n: &u8| {
            letters
                .get(usize::from(*n) % letters.len().max(1))
                .map(|letter| letter.id)
        };
        wanted.iter().filter_map(pick).collect()
    }

    async fn find(&self, step: &Step, now_ms: i64) -> Option<Call> {
        let status = |n: u8| Status::ALL[usize::from(n) % Status::ALL.len()];
        let rows = |n: usize| self.rows.iter().rev().take(n).cloned().collect();
        Some(match step.clone() {
            Step::Plan { site, topics } => Call::Plan(topics.into_iter().map(|names| topic(site, names)).collect()),
            Step::Claim {
                site,
                limit,
                max_attempts,
            } => Call::Claim(Claim {
                site: SITES[usize::from(site)].to_owned(),
                owner: "writer".to_owned(),
                limit,
                lease: LEASE,
                max_attempts,
            }),
            Step::Save {
                page,
                to,
                content: words,
                messages,
                costs,
                stale,
            } => {
                let save = SavePage {
                    content: content(words),
                    to: status(to),
                    outbox: (0..messages).map(message).collect(),
                    spend: (0..costs).map(|n| cost(None, n, "")).collect(),
                };
                Call::Save(self.page(page, stale).await?, save)
            }
            Step::Move {
                page,
                to,
                release,
                reason,
            } => {
                let change = Transition {
                    reason: reason.then(|| "why".to_owned()),
                    release: release && status(to) == Status::Planned,
                    ..Transition::to(status(to))
                };
                Call::Move(self.page(page, false).await?, change)
            }
            Step::Edit {
                page,
                slug,
                title,
                unlock,
            } => {
                let edit = Edit {
                    slug: slug.map(|n| format!("slug-{n}")),
                    title: title.map(|n| format!("Title {n}")),
                    unlock: if unlock { vec![Field::Hooks] } else { Vec::new() },
                    ..Edit::default()
                };
                Call::Edit(self.page(page, false).await?, edit)
            }
            Step::Delete { page, stale } => Call::Delete(self.page(page, stale).await?),
            Step::ClaimOutbox { limit, max_attempts } => Call::ClaimOutbox(OutboxClaim {
                owner: "sender".to_owned(),
                limit,
                lease: LEASE,
                max_attempts,
            }),
            Step::MarkSent { owner, rows: n } => {
                Call::MarkSent(if owner { "sender" } else { "other" }.to_owned(), rows(n))
            }
            Step::Release { rows: n, wait } => Call::Release(rows(n), now_ms + wait),
            Step::ClaimPost { page, account } => Call::ClaimPost(PostKey {
                page_id: self.page(page, false).await?.id,
                target: "mastodon".to_owned(),
                account: account.to_string(),
                campaign: String::new(),
            }),
            Step::Arm { post } => Call::Arm(self.post(post).await?),
            Step::Settle { post, outcome: how } => Call::Settle(self.post(post).await?, outcome(how, now_ms)),
            Step::Spend { page, costs, campaign } => {
                let page = match page {
                    Some(page) => self.page(page, false).await.map(|page| page.id),
                    None => None,
                };
                let campaign = if campaign { "spring" } else { "" };
                Call::Spend((0..costs).map(|n| cost(page, n, campaign)).collect())
            }
            Step::Bury { letter } => Call::Bury(NewDeadLetter {
                queue: "posts".to_owned(),
                message_id: letter.to_string(),
                body: "\0".to_owned(),
                reason: "gave up".to_owned(),
                attempts: u32::from(letter),
                last_error: None,
                first_enqueued_ms: now_ms,
            }),
            Step::Take { letters } => Call::Take(self.letters(&letters).await),
            Step::Remove { owner, letters } => Call::Remove(owner.then_some("me"), self.letters(&letters).await),
            Step::Prune { limit } => Call::Prune(PrunePlan {
                before_ms: now_ms - 100,
                limit,
            }),
            Step::Wait { .. } | Step::Again { .. } => return None,
        })
    }

    async fn make(&mut self, op: &Op, call: &Call) -> String {
        let store = &self.store;
        match call {
            Call::Plan(topics) => told(store.plan(op, topics).await),
            Call::Claim(claim) => told(store.claim(op, claim).await),
            Call::Save(page, save) => told(store.save(op, page, save).await),
            Call::Move(page, change) => told(store.transition(op, page, change).await),
            Call::Edit(page, edit) => told(store.edit(op, page, edit).await),
            Call::Delete(page) => told(store.delete(op, page).await),
            Call::ClaimOutbox(claim) => {
                let rows = store.claim_outbox(op, claim).await;
                let new = rows.iter().flatten().map(|row| row.id.clone());
                let new: Vec<_> = new.filter(|id| !self.rows.contains(id)).collect();
                self.rows.extend(new);
                told(rows)
            }
            Call::MarkSent(owner, rows) => told(store.mark_sent(op, owner, rows).await),
            Call::Release(rows, at_ms) => told(store.release_outbox(op, "sender", rows, "down", *at_ms).await),
            Call::ClaimPost(key) => told(store.claim_post(op, key, "poster", LEASE).await),
            Call::Arm(post) => told(store.arm_post(op, post, "Hello", &json!([1]), LEASE).await),
            Call::Settle(post, outcome) => told(store.settle_post(op, post, outcome).await),
            Call::Spend(costs) => told(store.record_spend(op, costs).await),
            Call::Bury(letter) => told(store.record_dead_letter(op, letter).await),
            Call::Take(ids) => {
                let claim = DeadLetterClaim {
                    owner: "me".to_owned(),
                    ids: ids.clone(),
                    lease: LEASE,
                };
                told(store.take_dead_letters(op, &claim).await)
            }
            Call::Remove(owner, ids) => told(store.remove_dead_letters(op, *owner, ids).await),
            Call::Prune(plan) => told(store.prune(plan).await),
        }
    }

    /// Every row of the store.
    pub(crate) async fn everything(&mut self) -> Vec<String> {
        let (mut lines, mut mark) = (Vec::new(), None);
        loop {
            let piece = self.store.export(mark.as_ref(), 1_000).await.unwrap();
            lines.extend(piece.records.iter().map(|record| record.to_json()));
            mark = piece.next;
            if mark.is_none() {
                return lines.iter().map(|line| self.anonymous(line)).collect();
            }
        }
    }

    /// Ids and hashes by the order in which they were first seen, which is the same in every store.
    fn anonymous(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let run = rest
                .find(|c: char| !(c.is_ascii_hexdigit() || c == '-'))
                .unwrap_or(rest.len());
            let name = &rest[..run];
            if run == 64 || (run == 36 && name.matches('-').count() == 4) {
                let next = self.names.len();
                let n = *self.names.entry(name.to_owned()).or_insert(next);
                out += &format!("#{n}");
                rest = &rest[run..];
            } else {
                let end = run.max(first.len_utf8());
                out += &rest[..end];
                rest = &rest[end..];
            }
        }
        out
    }
}

pub(crate) fn at(clock: i64) -> Op {
    Op::at(NOW + clock)
}

fn query(site: &str) -> PageQuery {
    PageQuery {
        site: site.to_owned(),
        status: None,
    }
}

fn topic(site: u8, (row, slug, keyword): (u8, u8, u8)) -> NewPage {
    NewPage {
        site: SITES[usize::from(site)].to_owned(),
        locale: "en".to_owned(),
        slug: format!("slug-{slug}"),
        row_key: format!("row {row}"),
        primary_keyword: format!("keyword {keyword}"),
        topic: json!({ "b": row, "a": 0.5 }),
    }
}

fn content(n: u8) -> Content {
    Content {
        title: format!("Title {n}"),
        keywords: vec!["ä, ö".to_owned()],
        body_html: format!("<p>'{n}'</p>"),
        quality: json!({ "z": n, "a": null }),
        word_count: 1,
        ..Content::default()
    }
}

fn message(n: usize) -> NewOutbox {
    NewOutbox {
        topic: "pages".to_owned(),
        payload: json!({ "n": n }),
    }
}

fn cost(page: Option<PageId>, n: usize, campaign: &str) -> NewSpend {
    NewSpend {
        page_id: page,
        campaign: campaign.to_owned(),
        purpose: "draft".to_owned(),
        provider: "openai".to_owned(),
        model: "small".to_owned(),
        input_tokens: (n > 0).then_some(n as u64),
        output_tokens: None,
        cost_micros: Some(7),
        outcome: "ok".to_owned(),
    }
}

fn outcome(n: u8, now_ms: i64) -> PostOutcome {
    let error = "no".to_owned();
    let not_before_ms = now_ms + 20;
    match n {
        0 => PostOutcome::Posted {
            remote_id: "42".to_owned(),
            url: None,
        },
        1 => PostOutcome::Retry { error, not_before_ms },
        2 => PostOutcome::Rejected { error },
        3 => PostOutcome::Unknown {
            evidence: Value::from("sent"),
            error,
            not_before_ms,
        },
        _ => PostOutcome::Parked { error },
    }
}

/// An answer without the name of its store.
fn told<T: Debug>(answer: Result<T>) -> String {
    let text = format!("{answer:?}");
    match text.split_once("store: \"") {
        Some((before, after)) if answer.is_err() => {
            format!("{before}{}", after.split_once('"').map_or("", |(_, after)| after))
        }
        _ => text,
    }
}
