// What the queue does to a message, and that nothing is lost and nothing doubled.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { message, published, scene, until } from "../workers.js";

const letters = async (s) => (await s.get("/dead-letters", { authorization: "Bearer run-test-secret-0123456789" })).json();
const state = async (s) => (await s.rows("SELECT status FROM post_ledger"))[0]?.status;
const UNKNOWN = "0199a3c4-0000-7000-8000-000000000000";

describe("queue", { concurrency: 6 }, () => {
  test("one message again and again, and a whole batch at the same time, is one post", async (t) => {
    const s = await scene(t);
    const ids = [];
    s.world.down = { status: 503, headers: { "retry-after": "30" } };
    for (const slug of ["alpha", "beta", "gamma"]) ids.push(await published(s, slug));
    await until("refusals", async () => (await s.ledger()).length === 3);
    s.world.down = null;
    await s.db.prepare("UPDATE post_ledger SET not_before_ms = 0").run();
    const batch = [...ids, ...ids, ...ids].map(message);
    const answers = await Promise.all([s.deliver(...batch), s.deliver(...batch), s.deliver(...batch)]);
    for (const { outcome, explicitAcks, retryMessages } of answers) {
      assert.equal(outcome, "ok");
      // Whoever meets a post that another one is making comes again later.
      assert.equal(explicitAcks.length + retryMessages.length, batch.length);
    }
    await until("receipts", async () => (await s.ledger()).every(({ status }) => status === "posted"));
    const again = await s.deliver(...batch);
    assert.deepEqual([again.explicitAcks.length, s.world.statuses.length], [batch.length, 3]);
    assert.equal(new Set(s.world.statuses.map(({ content }) => content)).size, 3);
  });

  test("garbage, an unknown page and an old envelope are kept as dead letters, and their neighbour is posted", async (t) => {
    const s = await scene(t);
    const id = await published(s);
    await until("a post", async () => (await state(s)) === "posted");
    const old = JSON.stringify({ v: 0, body: "{}", sent_at_ms: 1 });
    const answer = await s.deliver("garbage", message(UNKNOWN), old, message(id), JSON.stringify({ content_id: id }));
    assert.deepEqual([answer.outcome, answer.explicitAcks.sort()], ["ok", ["m0", "m1", "m2", "m3", "m4"]]);
    await until("four letters", async () => (await letters(s)).length === 4);
    const kept = await letters(s);
    const bodies = kept.map(({ body }) => body);
    for (const body of ["garbage", old, JSON.stringify({ content_id: id })]) assert.ok(bodies.includes(body), `${body} in ${bodies}`);
    const missing = kept.find(({ body }) => body.includes(UNKNOWN));
    assert.match(missing.reason, /is not in the store/);
    const garbage = kept.find(({ body }) => body === "garbage");
    const gone = await s.post("/discard", garbage.id);
    assert.deepEqual([await gone.json(), (await letters(s)).length], [{ discarded: 1 }, 3]);
    assert.equal(s.world.posts.length, 1);
  });

  test("retries that run out end as a kept dead letter, and redriving it posts the page once", async (t) => {
    const s = await scene(t, { consumer: { maxRetries: 1 } });
    s.world.down = { status: 503, headers: { "retry-after": "1" } };
    const id = await published(s);
    await until("a letter", async () => (await letters(s)).length === 1);
    const [letter] = await letters(s);
    assert.deepEqual([JSON.parse(letter.body).page_id, letter.reason], [id, "delivered too often"]);
    assert.equal(s.world.statuses.length, 0);
    s.world.down = null;
    assert.deepEqual(await (await s.post("/redrive")).json(), { redriven: 1 });
    await until("a post", async () => (await state(s)) === "posted");
    assert.deepEqual([s.world.statuses.length, await letters(s)], [1, []]);
  });

  test("a refused post is posted once its reason is gone and its letter is redriven", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ status: 422, error: "Validation failed: Text can't be blank" });
    await published(s);
    await until("a letter", async () => (await letters(s)).length === 1);
    const [letter] = await letters(s);
    assert.deepEqual(await (await s.post("/redrive", letter.id)).json(), { redriven: 1 });
    await until("a post", async () => (await state(s)) === "posted");
    assert.equal(s.world.statuses.length, 1);
  });

  test("the poster reads from where the generator was, and a bookmark that D1 does not take costs one attempt", async (t) => {
    const s = await scene(t);
    const id = await published(s);
    await until("a post", async () => (await state(s)) === "posted");
    const [begun] = s.tallies("scheduled").map(({ sessions }) => sessions);
    const [after] = s.tallies("queue").map(({ sessions }) => sessions);
    assert.deepEqual(begun, ["first-primary"]);
    assert.match(after[0], /^[0-9a-f]{8}(-[0-9a-f]{8}){2}-[0-9a-f]{32}$/);

    await s.db.prepare("DELETE FROM post_ledger").run();
    const body = JSON.stringify({ page_id: id, bookmark: "first-unconstrained" });
    await s.queue.send(JSON.stringify({ v: 1, body, sent_at_ms: Date.now() }), { contentType: "text" });
    await until("a second post", async () => (await state(s)) === "posted");
    assert.match(s.log(), /bookmark/);
    assert.deepEqual(s.tallies("queue").map(({ sessions }) => sessions.length), [1, 0, 0]);
  });

  test("a store that cannot be read costs the messages a retry, a dead letter that cannot be kept comes again", async (t) => {
    const s = await scene(t);
    const id = await published(s);
    await until("a post", async () => (await state(s)) === "posted");
    s.faults.push(["batch", "D1_ERROR: Network connection lost."]);
    const answer = await s.deliver(message(id));
    assert.deepEqual([answer.outcome, answer.explicitAcks, answer.retryMessages.length], ["ok", [], 1]);
    s.faults.push(["DEAD_LETTERS", "Queue send failed (15000)"]);
    const unsent = await s.deliver("garbage");
    assert.deepEqual([unsent.explicitAcks, unsent.retryMessages.length], [[], 1]);
  });
});
