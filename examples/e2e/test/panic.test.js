// What a panic costs: the event or message it happened in, and nothing after.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RUN_SECRET, message, published, scene, until } from "../workers.js";

const PANIC = ["panic", "a panic, on purpose"];
const panics = (s) => s.log().split("\n").filter((line) => line.includes('"panicked"')).length;

describe("panic", { concurrency: 3 }, () => {
  // Three pages that wait to be posted; the second makes a poster panic when told to.
  async function waiting(t, options) {
    const s = await scene(t, options);
    s.world.down = { status: 503, headers: { "retry-after": "3600" } };
    const ids = [];
    for (const slug of ["alpha", "panics", "gamma"]) ids.push(await published(s, slug));
    await until("refusals", async () => (await s.ledger()).filter(({ status }) => status === "retry").length === 3);
    s.world.down = null;
    await s.db.prepare("UPDATE post_ledger SET not_before_ms = 0").run();
    return { s, messages: ids.map(message) };
  }

  test("in one message: its neighbours are acknowledged, and it is posted when it comes again", async (t) => {
    const { s, messages } = await waiting(t);
    s.faults.push(PANIC);
    const answer = await s.deliver(...messages);
    assert.deepEqual([answer.outcome, answer.explicitAcks, answer.retryMessages.length], ["ok", ["m0", "m2"], 1], s.log());
    assert.deepEqual([answer.retryMessages[0].msgId, panics(s), s.world.statuses.length], ["m1", 1, 2], s.log());
    assert.match(s.log(), /"message":"retrying","id":"m1","error":"Error: the Rust module trapped/);
    const again = await s.deliver(messages[1]);
    assert.deepEqual([again.explicitAcks, s.world.statuses.length], [["m0"], 3]);
  });

  test("in one message, whenever it comes: it ends as a kept dead letter, and its neighbours are posted", async (t) => {
    const { s, messages } = await waiting(t, { consumer: { maxRetries: 1 } });
    s.faults.push(PANIC, PANIC);
    await s.queue.sendBatch(messages.map((body) => ({ body, contentType: "text" })));
    await until("a dead letter", async () => (await s.rows("SELECT id FROM dead_letter")).length === 1);
    assert.deepEqual([panics(s), s.world.statuses.length], [2, 2], s.log());
    const [{ body, reason }] = await (await s.get("/dead-letters", { authorization: `Bearer ${RUN_SECRET}` })).json();
    assert.deepEqual([body, reason], [JSON.parse(messages[1]).body, "delivered too often"]);
  });

  test("in a run of the cron: it is reported, and the next run makes the page", async (t) => {
    const s = await scene(t);
    await s.plan("panics");
    s.faults.push(PANIC);
    assert.equal((await s.cron()).outcome, "exception");
    assert.deepEqual([panics(s), await (await s.get("/healthz")).text()], [1, "ok\n"]);
    await s.db.prepare("UPDATE content_metadata SET lease_until_ms = 0").run();
    assert.equal((await s.cron()).outcome, "ok", s.log());
    assert.equal((await s.get("/panics/")).status, 200);
  });

  test("in a request: it fails at once, and the next one is answered", async (t) => {
    const s = await scene(t);
    await s.plan("panics");
    s.faults.push(PANIC);
    const answer = await s.post("/run").catch((error) => error);
    assert.notEqual(answer.status, 200);
    assert.equal(panics(s), 1);
    assert.equal((await s.get("/")).status, 200);
    assert.doesNotMatch(s.log(), /hung/);
  });
});
