// What the network does to a post, and that each page is visible exactly once in the end.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { message, published, scene, until } from "../workers.js";

const state = async (s) => (await s.rows("SELECT status, last_error, attempts FROM post_ledger"))[0] ?? {};
const posted = (s) => until("a receipt", async () => (await state(s)).status === "posted").catch(async (error) => {
  throw new Error(`${error.message}: ${JSON.stringify(await state(s))}\n${s.log()}`);
});
const visible = (s) => assert.equal(s.world.statuses.length, 1, "visible exactly once");

describe("network", { concurrency: 6 }, () => {
  test("503 that names a time is posted after it", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ status: 503, headers: { "retry-after": "2" } });
    await published(s);
    await posted(s);
    visible(s);
    const [first, second] = s.world.posts;
    assert.ok(second.at - first.at >= 2_000, `${second.at - first.at} ms`);
    assert.equal(first.key, second.key);
  });

  test("503 without a time may have made the post: looked for, absent, posted once", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ status: 503, error: "Remote data could not be fetched" });
    await published(s);
    await posted(s);
    visible(s);
    assert.equal(s.world.posts.length, 2);
  });

  test("503 after the post was made is found, not doubled", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ status: 503, made: true });
    await published(s);
    await posted(s);
    visible(s);
    assert.equal(s.world.posts.length, 1);
  });

  test("429 waits as long as it says", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ status: 429, error: "Too many requests", headers: { "retry-after": "4" } });
    await published(s);
    await posted(s);
    visible(s);
    const [first, second, ...more] = s.world.posts;
    assert.ok(second.at - first.at >= 4_000, `${second.at - first.at} ms`);
    assert.deepEqual(more, []);
  });

  test("401 waits for a person and keeps the message", async (t) => {
    const s = await scene(t);
    s.world.down = { status: 401, error: "The access token is invalid" };
    const id = await published(s);
    await until("the refusal", async () => (await state(s)).status === "retry");
    assert.match((await state(s)).last_error, /access token is invalid/i);
    const again = await s.deliver(message(id));
    assert.deepEqual([again.explicitAcks, again.retryMessages.length], [[], 1]);
    assert.ok(again.retryMessages[0].delaySeconds > 600, JSON.stringify(again.retryMessages));
    assert.equal(s.world.statuses.length, 0);
  });

  test("422 is given up at once, and recorded", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ status: 422, error: "Validation failed: Text can't be blank" });
    await published(s);
    await until("a dead letter", async () => (await s.rows("SELECT reason FROM dead_letter")).length === 1);
    assert.equal((await state(s)).status, "rejected");
    assert.match((await s.rows("SELECT reason FROM dead_letter"))[0].reason, /can't be blank/);
    assert.deepEqual([s.world.posts.length, s.world.statuses.length], [1, 0]);
  });

  test("a slow answer is waited for", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ slow: 5_000 });
    await published(s);
    await posted(s);
    visible(s);
    assert.equal(s.world.posts.length, 1);
  });

  test("an answer that comes too late is found, not doubled", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ slow: 40_000 });
    await published(s);
    await posted(s);
    visible(s);
    assert.equal(s.world.posts.length, 1);
  });

  test("a connection reset before the post is made is looked for, absent, posted once", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ reset: true });
    await published(s);
    await posted(s);
    visible(s);
    assert.equal(s.world.posts.length, 2);
  });

  test("an answer lost after the post was made is reconciled, not doubled", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ reset: true, made: true });
    await published(s);
    await posted(s);
    visible(s);
    assert.equal(s.world.posts.length, 1);
    const [row] = await s.ledger();
    assert.deepEqual([row.remote_id, row.attempts], ["100", 1]);
  });

  test("a message again after a 503, when the wait is over, is acknowledged", async (t) => {
    const s = await scene(t, { consumer: { maxRetries: 0 } });
    s.world.faults.push({ status: 503, made: true });
    const id = await published(s);
    await until("an unknown outcome", async () => (await state(s)).status === "unknown");
    await s.db.prepare("UPDATE post_ledger SET not_before_ms = 0").run();
    const again = await s.deliver(message(id));
    assert.deepEqual([again.outcome, again.explicitAcks], ["ok", ["m0"]]);
    assert.equal((await state(s)).status, "posted");
    visible(s);
  });

  test("down for 50 messages while the generator goes on, then up: all posted once", async (t) => {
    const s = await scene(t, { change: (generator) => (generator.PAGES_PER_RUN = "25") });
    s.world.down = { status: 503, headers: { "retry-after": "3" } };
    const slugs = Array.from({ length: 50 }, (_, n) => `page-${n}`);
    await s.plan(...slugs);
    for (let runs = 0; runs < 2; runs += 1) assert.equal((await s.cron()).outcome, "ok", s.log());
    const count = async (status) => (await s.rows(`SELECT count(*) AS n FROM post_ledger WHERE status = '${status}'`))[0].n;
    await until("50 refusals", async () => (await count("retry")) === 50);
    assert.deepEqual([s.world.statuses.length, (await s.rows("SELECT id FROM content_metadata WHERE status = 'published'")).length], [0, 50]);
    s.world.down = null;
    await until("50 posts", async () => (await count("posted")) === 50, 90);
    const links = new Set(s.world.statuses.map(({ content }) => /href="([^"]+)"/.exec(content)[1]));
    assert.deepEqual([s.world.statuses.length, links.size], [50, 50]);
  });
});
