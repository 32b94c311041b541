// The poster as it is built for other networks than Mastodon.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KEYS, PASSWORD, networks } from "../networks.js";
import { message, published, scene, until } from "../workers.js";

describe("networks", { concurrency: 2 }, () => {
  async function others(t, vars = {}) {
    const others = await networks();
    t.after(() => others.close());
    const change = (generator, poster) => {
      generator.SITE_BASE_URL = poster.SITE_BASE_URL = "https://example.com";
      for (const name of Object.keys(poster)) if (name.startsWith("MASTODON_")) delete poster[name];
      Object.assign(poster, {
        TARGETS: "bluesky, x", X_ACCOUNT: "almanac", X_URL: others.url, ...KEYS,
        BLUESKY_ACCOUNT: "almanac.example", BLUESKY_URL: others.url, BLUESKY_APP_PASSWORD: PASSWORD, ...vars,
      });
    };
    return { s: await scene(t, { change, poster: "e2e/networks" }), others };
  }
  const state = async (s) => s.rows("SELECT target, status, attempts FROM post_ledger ORDER BY target");
  const posted = (s, count) => until("the receipts", async () => (await state(s)).filter(({ status }) => status === "posted").length === count)
    .catch(async (error) => { throw new Error(`${error.message}: ${JSON.stringify(await state(s))}\n${s.log()}`); });

  test("a page is one post on X and one on Bluesky, and a second page needs no second session", async (t) => {
    const { s, others: world } = await others(t);
    const first = await published(s);
    await posted(s, 2);
    const [record] = world.records.values();
    assert.deepEqual(world.tweets.map(({ sent }) => sent), ["Did you know?\n\nhttps://example.com/alpha/"]);
    assert.deepEqual([record.text, record.embed.external.uri], ["Did you know?", "https://example.com/alpha/"]);
    await published(s, "beta");
    await posted(s, 4);
    assert.deepEqual((await s.deliver(message(first))).explicitAcks, ["m0"]);
    assert.deepEqual([world.tweets.length, world.records.size, world.sessions], [2, 2, 1]);
    assert.doesNotMatch(s.log(), /test-secret/);
  });

  test("X answers 503 after it took the post: it is found there, and Bluesky gets no second one", async (t) => {
    const { s, others: world } = await others(t);
    world.xFaults.push({ status: 503, made: true });
    await published(s);
    await until("one receipt", async () => (await state(s)).some(({ target, status }) => target === "bluesky" && status === "posted"));
    await until("an unknown outcome", async () => (await state(s)).some(({ target, status }) => target === "x" && status === "unknown"));
    await posted(s, 2);
    assert.deepEqual([world.tweets.length, world.records.size], [1, 1]);
    assert.equal(world.asked.filter((route) => route === "POST /2/tweets").length, 1);
  });

  test("a network that was not built in, and vars that nothing reads, are named in one line", async (t) => {
    const { s } = await others(t, { TARGETS: "x, mastodon", X_API_KEY: "", POSTER_CONCURRENCY: "4" });
    const answer = await s.deliver("{}");
    assert.deepEqual([answer.outcome, answer.explicitAcks, answer.retryMessages.length], ["ok", [], 1]);
    const lines = s.log().split("\n").filter((line) => line.includes("missing")).map((line) => JSON.parse(line).message);
    assert.equal(lines.length, 1, s.log());
    for (const words of ["the secret X_API_KEY", 'TARGETS names "mastodon", which this Worker was not built with', "POSTER_CONCURRENCY has no effect here"]) {
      assert.ok(lines[0].includes(words), lines[0]);
    }
  });
});
