// The conformance suites of the store and of the queue, each case a test, on the D1 and the queues of workerd.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Miniflare } from "miniflare";
import { migrations, worker } from "../workers.js";

// Workers whose databases cases share, one after the other. A case of the queue has a Worker to itself, for it waits a
// lot.
const STORES = 3;
// The most that one case takes: a copy of a copy.
const DATABASES = ["DB_0", "DB_1", "DB_2"];

const suite = (name, options) => worker(name, options, { folder: "e2e/suites", entry: "suites.js" });
const deadLetters = { queueProducers: { DEAD_LETTERS: "dead-letters" } };
let log = "";
const options = (workers) => ({
  cf: false, host: "127.0.0.1", port: 0, workers,
  handleRuntimeStdio: (...streams) => streams.forEach((stream) => stream.on("data", (data) => (log += data))),
});
const stores = Array.from({ length: STORES }, (_, n) => suite(`store-${n}`, {
  ...deadLetters, d1Databases: Object.fromEntries(DATABASES.map((name) => [name, `${name}-of-${n}`])), r2Buckets: { BODIES: `bodies-of-${n}` },
}));

// The AI binding is an object with `run`; Miniflare makes one of what a Worker exports.
const fake = `export default () => ({
  run: async (model, inputs, { returnRawResponse }) => returnRawResponse
    ? Response.json({ response: model + " was asked: " + inputs.messages.at(-1).content, usage: { prompt_tokens: 1, completion_tokens: 2 } })
    : "not what was asked for",
})`;
const models = [
  { name: "fake-ai", modules: true, script: fake },
  ...["workers-ai", "anthropic"].map((provider) => suite(provider, {
    ...deadLetters, bindings: { MODEL_PROVIDER: provider, MODEL_NAME: "@cf/meta/test" }, wrappedBindings: { AI: { scriptName: "fake-ai" } },
  })),
];

const mf = new Miniflare(options(stores));
after(() => mf.dispose());
const ask = async (name, path) => (await mf.getWorker(name)).fetch(`http://suites/${path}`);
const names = await (await ask("store-0", "")).json();

// The Workers of the queue's cases are known only now.
await mf.setOptions(options([
  ...stores,
  ...models,
  ...names.queue.map((name) => suite(name, {
    queueProducers: { QUEUE: `queue-${name}`, DEAD_LETTERS: `dead-${name}` },
    // What is sent within a fifth of a second comes in one batch: no other is pushed while a case holds one.
    queueConsumers: { [`queue-${name}`]: { maxBatchSize: 100, maxBatchTimeout: 0.2, maxRetries: 20 } },
  })),
]));
for (const { name } of stores) {
  for (const database of DATABASES) {
    const db = await mf.getD1Database(database, name);
    await db.batch(migrations().map((statement) => db.prepare(statement)));
  }
}

async function holds(name, path) {
  const answer = await ask(name, path).catch((error) => error);
  assert.equal(answer.status, 200, `${answer}\n${log.slice(-4000)}`);
}

describe("content-store on D1 and R2", { concurrency: STORES }, () => {
  for (let n = 0; n < STORES; n += 1) {
    describe(`store ${n}`, { concurrency: 1 }, () => {
      for (const name of names["content-store"].filter((_, at) => at % STORES === n)) {
        test(name, () => holds(`store-${n}`, `content-store/${name}`));
      }
    });
  }
});

describe("model", () => {
  test("Workers AI answers through its binding", async () => {
    assert.equal(await (await ask("workers-ai", "model/hello")).text(), "@cf/meta/test was asked: hello", log);
  });
  test("a provider that the Worker was not built with is refused", async () => {
    const answer = await ask("anthropic", "model/hello");
    assert.deepEqual([answer.status, await answer.text()], [503, 'MODEL_PROVIDER is "anthropic", which this Worker was not built with']);
  });
});

describe("queue on Cloudflare Queues", { concurrency: names.queue.length }, () => {
  for (const name of names.queue) test(name, () => holds(name, `queue/${name}`));
  test("cases that do not apply to what is pushed are named", (t) => {
    assert.ok(names.others.length > 0);
    t.diagnostic(`not for a queue that pushes: ${names.others.join(", ")}`);
  });
});
