// Both Workers in one Miniflare, with the schema that wrangler applies and the queues of the wrangler files.
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";

const examples = fileURLToPath(new URL("..", import.meta.url));
export const RUN_SECRET = "run-test-secret-0123456789";

function worker(name, options) {
  const modulesRoot = `${examples}${name}/build`;
  return {
    name,
    modules: true,
    modulesRoot,
    scriptPath: `${modulesRoot}/worker.js`,
    modulesRules: [
      { type: "ESModule", include: ["**/*.js"] },
      { type: "CompiledWasm", include: ["**/*.wasm"] },
    ],
    compatibilityDate: "2026-04-01",
    d1Databases: { DB: "content-db" },
    ...options,
  };
}

// `change` may alter the bindings of both before the start.
export async function start(world, change = () => {}) {
  const shared = {
    SITE_ID: "test", SITE_NAME: "Test", SITE_BASE_URL: "https://test.example", WORDS_MIN: "1",
    MODEL_PROVIDER: "openai", MODEL_NAME: "gpt-test", MODEL_BASE_URL: `${world.url}/v1`, OPENAI_API_KEY: "sk-test-secret",
  };
  const generator = { ...shared, RUN_SECRET };
  const poster = { ...shared, MASTODON_URL: world.url, MASTODON_ACCOUNT: "almanac", MASTODON_ACCESS_TOKEN: "network-test-secret" };
  change(generator, poster);
  let log = "";
  const mf = new Miniflare({
    cf: false,
    host: "127.0.0.1",
    port: 0,
    handleRuntimeStdio: (...streams) => streams.forEach((stream) => stream.on("data", (data) => (log += data))),
    workers: [
      worker("pseo-generator", { bindings: generator, queueProducers: { SOCIAL_QUEUE: "social-queue" } }),
      worker("social-poster", {
        bindings: poster,
        queueProducers: { DEAD_LETTERS: "social-dlq", SOCIAL_QUEUE: "social-queue" },
        queueConsumers: {
          "social-queue": { maxBatchSize: 10, maxBatchTimeout: 0, maxRetries: 20, deadLetterQueue: "social-dlq" },
          "social-dlq": { maxBatchSize: 10, maxBatchTimeout: 0 },
        },
      }),
    ],
  });
  const db = await mf.getD1Database("DB", "pseo-generator");
  for (const file of (await readdir(`${examples}pseo-generator/migrations`)).sort()) {
    const sql = await readFile(`${examples}pseo-generator/migrations/${file}`, "utf8");
    await db.batch(sql.split(";").filter((statement) => statement.trim()).map((statement) => db.prepare(statement)));
  }
  const site = await mf.getWorker("pseo-generator");
  const poster_ = await mf.getWorker("social-poster");
  return {
    site,
    db,
    log: () => log,
    dispose: () => mf.dispose(),
    rows: async (sql) => (await db.prepare(sql).all()).results,
    get: (path, headers = {}) => site.fetch(`https://test.example${path}`, { headers }),
    post: (path, body, secret = RUN_SECRET) =>
      site.fetch(`https://test.example${path}`, { method: "POST", body, headers: { authorization: `Bearer ${secret}` } }),
    plan: (...slugs) => site.fetch("https://test.example/topics", {
      method: "POST", headers: { authorization: `Bearer ${RUN_SECRET}` },
      body: ["key,slug,keyword", ...slugs.map((slug) => `${slug},${slug},about ${slug}`)].join("\n"),
    }),
    cron: () => site.scheduled({ cron: "0 6 * * *", scheduledTime: new Date() }),
    // A batch straight to the consumer; the answer says what it did with each message.
    deliver: (...bodies) =>
      poster_.queue("social-queue", bodies.map((body, n) => ({ id: `m${n}`, timestamp: new Date(), attempts: 1, body }))),
  };
}

export async function until(what, condition, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
