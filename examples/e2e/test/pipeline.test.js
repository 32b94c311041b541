import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { loopback } from "../loopback.js";
import { start, until } from "../workers.js";

let world, both;
const run = async (change) => (both = await start(world, change));
beforeEach(async () => (world = await loopback()));
afterEach(async () => {
  await both?.dispose();
  await world.close();
  both = undefined;
});

const message = (pageId) => JSON.stringify({ v: 1, body: JSON.stringify({ page_id: pageId }), sent_at_ms: Date.now() });
const ledger = () => both.rows("SELECT status, target, account, remote_id, attempts FROM post_ledger");
const posted = (remote_id) => ({ status: "posted", target: "mastodon", account: `${new URL(world.url).host}/@almanac`, remote_id, attempts: 1 });

// One page, published and posted.
async function published() {
  assert.equal((await both.plan("alpha")).status, 200);
  assert.equal((await both.cron()).outcome, "ok", both.log());
  await until("a post", async () => (await ledger()).some((row) => row.status === "posted"));
  return (await both.rows("SELECT id FROM content_metadata"))[0].id;
}

test("from the cron to a visible post", async () => {
  await run();
  await published();
  assert.deepEqual(await both.rows("SELECT slug, status, attempts FROM content_metadata"), [{ slug: "alpha", status: "published", attempts: 1 }]);
  assert.deepEqual(await both.rows("SELECT topic, status FROM outbox"), [{ topic: "page.published", status: "sent" }]);
  assert.deepEqual(await ledger(), [posted("100")]);
  assert.equal(world.posts.length, 1);
  assert.match(world.posts[0].status, /^Did you know\?\s+https:\/\/test\.example\/alpha\/$/);
  assert.ok(world.posts[0].key, "an idempotency key travels with the post");

  const page = await both.get("/alpha/");
  const html = await page.text();
  assert.equal(page.status, 200);
  assert.match(html, /Four words are enough/);
  assert.doesNotMatch(html, /alert\(1\)/);
  const tag = page.headers.get("etag");
  assert.equal((await both.get("/alpha/", { "if-none-match": tag })).status, 304);
  for (const path of ["/", "/sitemap.xml", "/feed.xml"]) assert.match(await (await both.get(path)).text(), /\/alpha\//, path);
  assert.match(await (await both.get("/robots.txt")).text(), /Sitemap: https:\/\/test\.example\/sitemap\.xml/);
  assert.equal((await both.get("/beta/")).status, 404);
  assert.equal(await (await both.get("/healthz")).text(), "ok\n");
});

test("a run by hand needs the secret", async () => {
  await run();
  await both.plan("alpha");
  for (const wrong of ["", "run-test-secret-0123456780"]) assert.equal((await both.post("/run", "", wrong)).status, 401);
  const answer = await both.post("/run", "");
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).published, 1);
});

test("a message delivered again, twice in one batch, posts nothing", async () => {
  await run();
  const id = await published();
  const answer = await both.deliver(message(id), message(id));
  assert.deepEqual([answer.outcome, answer.explicitAcks.sort()], ["ok", ["m0", "m1"]]);
  assert.equal(world.posts.length, 1);
});

test("messages that can never work are dead letters, and their neighbour is fine", async () => {
  await run();
  const id = await published();
  const answer = await both.deliver("garbage", message("0199a3c4-0000-7000-8000-000000000000"), message(id));
  assert.deepEqual([answer.outcome, answer.explicitAcks.sort()], ["ok", ["m0", "m1", "m2"]]);
  await until("two dead letters in the log", () => both.log().split("dead letter ").length === 3);
  assert.match(both.log(), /is not in the store/);
});

test("a network that is down is asked again later", async () => {
  await run();
  const id = await published();
  await both.db.prepare("DELETE FROM post_ledger").run();
  world.faults.push("503");
  const refused = await both.deliver(message(id));
  assert.equal(refused.outcome, "ok");
  assert.deepEqual(refused.explicitAcks, []);
  assert.equal(refused.retryMessages.length, 1);
  assert.ok(refused.retryMessages[0].delaySeconds >= 1);
});

test("a model that writes garbage publishes nothing", async () => {
  await run();
  world.page = "I am sorry, here is your page: {";
  await both.plan("alpha");
  await both.cron();
  const [page] = await both.rows("SELECT status, last_error FROM content_metadata");
  assert.equal(page.status, "planned");
  assert.ok(page.last_error);
  assert.deepEqual(await both.rows("SELECT id FROM outbox"), []);
  assert.equal((await both.get("/alpha/")).status, 404);
});

test("a missing secret is one clear line, and nothing is lost", async () => {
  await run((generator, poster) => {
    delete generator.OPENAI_API_KEY;
    delete poster.MASTODON_ACCESS_TOKEN;
  });
  await both.plan("alpha");
  assert.equal((await both.cron()).outcome, "exception");
  const answer = await both.deliver(message("0199a3c4-0000-7000-8000-000000000000"));
  assert.deepEqual([answer.outcome, answer.explicitAcks, answer.retryMessages.length], ["ok", [], 1]);
  for (const name of ["OPENAI_API_KEY", "MASTODON_ACCESS_TOKEN"]) {
    const lines = both.log().split("\n").filter((line) => line.includes(`the secret ${name} is missing`));
    assert.ok(lines.length >= 1, both.log());
  }
});
