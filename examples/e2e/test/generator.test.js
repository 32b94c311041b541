// What befalls a run of the generator, and what a model may write.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { PAGE, loopback } from "../loopback.js";
import { scene, start, until } from "../workers.js";

const pages = (s) => s.rows("SELECT slug, status, attempts, last_error FROM content_metadata ORDER BY slug");

describe("generator", { concurrency: 6 }, () => {
  test("killed between the write and the queue: the next cron sends it, and it is posted once", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "presswork-e2e-"));
    const world = await loopback();
    const options = { d1Persist: join(folder, "d1") };
    let s = await start(world, { options });
    t.after(async () => {
      await s.mf.dispose();
      await world.close();
      await rm(folder, { recursive: true, force: true });
    });
    await s.plan("alpha");
    s.faults.push(["SOCIAL_QUEUE", "hang"]);
    const killed = s.cron().catch(() => {});
    await until("the write", async () => (await s.rows("SELECT status FROM outbox"))[0]?.status === "claimed");
    await s.mf.dispose();
    await killed;
    assert.equal(world.posts.length, 0);

    s = await start(world, { options });
    assert.deepEqual((await pages(s)).map(({ status }) => status), ["published"]);
    await s.db.prepare("UPDATE outbox SET claim_until_ms = 0").run(); // a minute later
    assert.equal((await s.cron()).outcome, "ok", s.log());
    await until("a post", async () => (await s.ledger())[0]?.status === "posted");
    assert.deepEqual([world.statuses.length, world.asked], [1, 2]);
  });

  test("a queue that refuses keeps the message in the outbox, and a later run sends it", async (t) => {
    const s = await scene(t);
    await s.plan("alpha");
    s.faults.push(["SOCIAL_QUEUE", "Queue send failed: overloaded (10250)"]);
    assert.equal((await s.cron()).outcome, "ok", s.log());
    const [row] = await s.rows("SELECT status, last_error FROM outbox");
    assert.equal(row.status, "pending");
    assert.match(row.last_error, /10250|overloaded/);
    await s.db.prepare("UPDATE outbox SET available_at_ms = 0").run();
    await s.cron();
    await until("a post", async () => (await s.ledger())[0]?.status === "posted");
    assert.equal(s.world.statuses.length, 1);
  });

  test("200 pages are split over runs of at most 50 queries each", async (t) => {
    const s = await scene(t, {
      change: (generator) => Object.assign(generator, { PAGES_PER_RUN: "4", GENERATOR_CONCURRENCY: "4" }),
      consumer: { maxBatchSize: 2 }, // as in wrangler.toml
    });
    await s.plan(...Array.from({ length: 200 }, (_, n) => `page-${n}`));
    const made = async () => (await s.rows("SELECT count(*) AS n FROM content_metadata WHERE status = 'published'"))[0].n;
    // 50 runs do, and some more where the machine has so much else to do that D1 loses an answer.
    for (let run = 0; run < 60 && (await made()) < 200; run += 1) await s.cron();
    assert.equal(await made(), 200, s.log());
    await until("200 posts", async () => (await s.rows("SELECT count(*) AS n FROM post_ledger WHERE status = 'posted'"))[0].n === 200, 120);
    assert.equal(s.world.statuses.length, 200);
    for (const tally of [...s.tallies("scheduled"), ...s.tallies("queue")]) assert.ok(tally.queries <= 50, JSON.stringify(tally));
  });

  for (const [what, write] of Object.entries({
    garbage: (world) => (world.page = "I am sorry, here is your page: {"),
    "half a JSON": (world) => (world.page = JSON.stringify(PAGE).slice(0, 200)),
    "the wrong fields": (world) => (world.page = JSON.stringify({ title: "x" })),
    "a refusal": (world) => (world.refusal = "I cannot help with that."),
    "a thin page": (world) => (world.page = JSON.stringify({ ...PAGE, body_html: "<p>no heading</p>" })),
  })) {
    test(`a model that writes ${what} publishes nothing, and the topic is tried again later`, async (t) => {
      const s = await scene(t);
      write(s.world);
      await s.plan("alpha");
      await s.cron();
      const [page] = await pages(s);
      assert.equal(page.status, "planned");
      assert.ok(page.last_error, "the page says why");
      assert.deepEqual(await s.rows("SELECT id FROM outbox"), []);
      assert.equal((await s.get("/alpha/")).status, 404);
      s.world.page = JSON.stringify(PAGE);
      s.world.refusal = null;
      await s.db.prepare("UPDATE content_metadata SET not_before_ms = 0").run();
      await s.cron();
      assert.equal((await s.get("/alpha/")).status, 200);
    });
  }

  test("scripts and handlers that a model writes reach no visitor", async (t) => {
    const s = await scene(t);
    const body_html = [
      "<h2 onclick=alert(1)>Facts</h2><p>Four words are <b>enough</b>.</p>", "<script>alert(2)</script><img src=x onerror=alert(3)>",
      '<svg><script>alert(4)</script></svg><a href="javascript:alert(5)">x</a><a href="https://iana.org/">y</a>', "<iframe src=//evil.example></iframe><style>*{}</style>",
    ].join("");
    s.world.page = JSON.stringify({ ...PAGE, title: "<script>alert(6)</script>A title that is long enough to pass", body_html });
    await s.plan("alpha");
    await s.cron();
    const html = await (await s.get("/alpha/")).text();
    assert.match(html, /<h2>Facts<\/h2><p>Four words are <b>enough<\/b>\.<\/p>/);
    assert.match(html, /<a href="https:\/\/iana\.org\/" rel="noopener nofollow">y<\/a>/);
    assert.doesNotMatch(html, /alert\(|onclick|onerror|javascript:|evil|<iframe|<svg/);
  });
});
