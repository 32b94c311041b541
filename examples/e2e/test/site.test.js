// From the cron to a visible post, and what visitors and the owner ask for.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { published, scene, until } from "../workers.js";

describe("site", { concurrency: 4 }, () => {
  test("from the cron to a visible post", async (t) => {
    const s = await scene(t);
    await published(s);
    await until("a post", async () => (await s.ledger()).some(({ status }) => status === "posted"));
    const pages = await s.rows("SELECT slug, status, attempts, version, lease_owner, model, word_count, canonical_url FROM content_metadata");
    assert.deepEqual(pages, [{
      slug: "alpha", status: "published", attempts: 1, version: 3, lease_owner: null, model: "gpt-test", word_count: 5,
      canonical_url: "https://test.example/alpha/",
    }]);
    assert.deepEqual(await s.rows("SELECT topic, status, attempts FROM outbox"), [{ topic: "page.published", status: "sent", attempts: 1 }]);
    const account = `${new URL(s.world.url).host}/@almanac`;
    assert.deepEqual(await s.ledger(), [{ status: "posted", target: "mastodon", account, remote_id: "100", attempts: 1 }]);
    assert.deepEqual(await s.rows("SELECT purpose, outcome, input_tokens, output_tokens FROM spend_ledger ORDER BY purpose"), [
      { purpose: "page", outcome: "ok", input_tokens: 100, output_tokens: 50 },
      { purpose: "post", outcome: "ok", input_tokens: 100, output_tokens: 50 },
    ]);
    const [post, ...more] = s.world.posts;
    assert.deepEqual([post.status, more], ["Did you know?\n\nhttps://test.example/alpha/", []]);
    assert.ok(post.key, "an idempotency key travels with the post");
    assert.deepEqual(s.world.unexpected, []);
  });

  test("visitors get pages, lists and 304", async (t) => {
    const s = await scene(t);
    await published(s);
    const page = await s.get("/alpha/");
    const html = await page.text();
    assert.equal(page.status, 200);
    assert.match(html, /Four words are enough/);
    const tag = page.headers.get("etag");
    for (const seen of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) assert.equal((await s.get("/alpha/", { "if-none-match": seen })).status, 304, seen);
    assert.equal((await s.get("/alpha/", { "if-none-match": '"other"' })).status, 200);
    for (const path of ["/", "/sitemap.xml", "/feed.xml"]) assert.match(await (await s.get(path)).text(), /\/alpha\//, path);
    assert.match(await (await s.get("/robots.txt")).text(), /Sitemap: https:\/\/test\.example\/sitemap\.xml/);
    const moved = await s.get("/alpha");
    assert.deepEqual([moved.status, moved.headers.get("location")], [308, "/alpha/"]);
    for (const path of ["/beta/", "/alpha/beta/", "//other.example/", "/%2Fother.example"]) assert.equal((await s.get(path)).status, 404, path);
    assert.equal(await (await s.get("/healthz")).text(), "ok\n");
  });

  test("a run by hand needs the secret", async (t) => {
    const s = await scene(t);
    await s.plan("alpha");
    for (const wrong of ["", "run-test-secret-0123456780", "run-test-secret-01234567890"]) {
      for (const path of ["/run", "/topics", "/redrive", "/discard"]) assert.equal((await s.post(path, "", wrong)).status, 401, path);
    }
    assert.equal((await s.get("/dead-letters")).status, 401);
    const answer = await s.post("/run");
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).published, 1);
    assert.equal((await s.post("/other")).status, 405);
  });

  test("a topics file that is wrong names line and column, and plans nothing", async (t) => {
    const s = await scene(t);
    const answer = await s.post("/topics", "key,slug,keyword\na,a,about a\nb,B ad,about b\n");
    assert.deepEqual([answer.status, /^topics\.csv:3: /.test(await answer.text())], [422, true]);
    assert.deepEqual(await s.rows("SELECT id FROM content_metadata"), []);
  });

  test("settings that are missing are named in one line, all of them, and nothing is lost", async (t) => {
    const s = await scene(t, {
      change: (generator, poster) => {
        delete generator.OPENAI_API_KEY;
        delete generator.MODEL_NAME;
        generator.PAGES_PER_RUN = "many";
        for (const name of ["MASTODON_ACCESS_TOKEN", "MASTODON_URL", "OPENAI_API_KEY"]) delete poster[name];
      },
    });
    assert.equal((await s.cron()).outcome, "exception");
    const answer = await s.deliver("{}");
    assert.deepEqual([answer.outcome, answer.explicitAcks, answer.retryMessages.length], ["ok", [], 1]);
    const lines = s.log().split("\n").filter((line) => line.includes("missing")).map((line) => JSON.parse(line).message);
    const named = (line, names) => names.every((name) => line.includes(name));
    assert.equal(lines.filter((line) => named(line, ["OPENAI_API_KEY", "MODEL_NAME", 'PAGES_PER_RUN is "many"'])).length, 1, s.log());
    assert.equal(lines.filter((line) => named(line, ["MASTODON_ACCESS_TOKEN", "MASTODON_URL", "OPENAI_API_KEY"])).length, 1, s.log());
  });

  test("what the Workers log is one JSON object a line", async (t) => {
    const s = await scene(t);
    s.world.faults.push({ status: 422, error: "Validation failed: Text can't be blank" });
    await published(s);
    await until("the refusal in the log", () => s.log().includes("not posted"));
    const line = s.log().split("\n").find((line) => line.includes("not posted"));
    const { level, message, network } = JSON.parse(line);
    assert.deepEqual([level, message, network], ["warn", "not posted", "mastodon"]);
    assert.doesNotMatch(s.log(), /network-test-secret|sk-test-secret|run-test-secret/);
  });
});
