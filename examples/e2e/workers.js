// Both Workers in one Miniflare, with the schema that wrangler applies and the queues of the wrangler files.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { loopback } from "./loopback.js";

const examples = fileURLToPath(new URL("..", import.meta.url));
export const RUN_SECRET = "run-test-secret-0123456789";
const COMPATIBILITY = "2026-04-01";

// The modules of a build folder, the entry first: the build's own, or one of ours before it.
function modules(folder, entry) {
  const build = `${examples}${folder}/build/`;
  const files = readdirSync(build, { recursive: true }).filter((file) => /\.(js|wasm)$/.test(file));
  const module = (path) =>
    path.endsWith(".wasm")
      ? { type: "CompiledWasm", path: build + path, contents: readFileSync(build + path) }
      : { type: "ESModule", path: build + path, contents: readFileSync(build + path, "utf8") };
  const all = files.sort((a, b) => (b === "worker.js") - (a === "worker.js")).map(module);
  if (entry) all.unshift({ type: "ESModule", path: build + entry, contents: readFileSync(fileURLToPath(new URL(entry, import.meta.url)), "utf8") });
  return { modulesRoot: build, modules: all };
}

export function worker(name, options, { folder = name, entry = "watched.js" } = {}) {
  return { name, compatibilityDate: COMPATIBILITY, d1Databases: { DB: "content-db" }, ...modules(folder, entry), ...options };
}

// The statements of the files that wrangler applies.
export function migrations() {
  const folder = `${examples}pseo-generator/migrations/`;
  const text = readdirSync(folder).sort().map((file) => readFileSync(folder + file, "utf8")).join("\n");
  return text.split(";").map((statement) => statement.trim()).filter(Boolean);
}

// A Miniflare whose database answers. On a machine with too much to do one may drop its first request, or never answer it.
async function answering(miniflare) {
  for (let tries = 1; ; tries += 1) {
    const mf = miniflare();
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(reject, 30_000, new Error("workerd does not answer"))));
    const database = async () => {
      const db = await mf.getD1Database("DB", "pseo-generator");
      await db.prepare("SELECT 1").all();
      return [mf, db];
    };
    try {
      return await Promise.race([database(), late]);
    } catch (error) {
      await mf.dispose();
      if (tries === 3) throw error;
      console.log(`# starting again: ${error.message}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

// `change` may alter the bindings of both before the start; `options` those of Miniflare. What is not `consumed` is lost.
// `poster` is the folder of another build of it.
export async function start(world, { change = () => {}, options = {}, consumer = {}, consumed = true, poster: folder = "social-poster" } = {}) {
  const shared = {
    SITE_ID: "test", SITE_NAME: "Test", SITE_BASE_URL: "https://test.example", WORDS_MIN: "1",
    MODEL_PROVIDER: "openai", MODEL_NAME: "gpt-test", MODEL_BASE_URL: `${world.url}/v1`, OPENAI_API_KEY: "sk-test-secret",
  };
  const generator = { ...shared, RUN_SECRET };
  const poster = { ...shared, TARGETS: "mastodon", MASTODON_URL: world.url, MASTODON_ACCOUNT: "almanac", MASTODON_ACCESS_TOKEN: "network-test-secret" };
  change(generator, poster);
  let log = "";
  const faults = []; // [name of a binding, what the next call meets]: "hang", or the words of the error
  const FAULTS = (request) => {
    const name = new URL(request.url).pathname.slice(1);
    const at = faults.findIndex(([binding]) => binding === name);
    return new Response(at < 0 ? "" : faults.splice(at, 1)[0][1]);
  };
  const miniflare = () => new Miniflare({
    cf: false, host: "127.0.0.1", port: 0, unsafeTriggerHandlers: true,
    handleRuntimeStdio: (...streams) => streams.forEach((stream) => stream.on("data", (data) => (log += data))),
    ...options,
    workers: [
      worker("pseo-generator", {
        bindings: generator, serviceBindings: { FAULTS },
        queueProducers: { SOCIAL_QUEUE: "social-queue" },
      }),
      worker("social-poster", {
        bindings: poster, serviceBindings: { FAULTS },
        queueProducers: { DEAD_LETTERS: "social-dlq" },
        queueConsumers: {
          ...(consumed && { "social-queue": { maxBatchSize: 10, maxBatchTimeout: 0, maxRetries: 20, deadLetterQueue: "social-dlq", ...consumer } }),
          "social-dlq": { maxBatchSize: 10, maxBatchTimeout: 0 },
        },
      }, { folder }),
      ...(options.workers ?? []),
    ],
  });
  const [mf, db] = await answering(miniflare);
  const [{ tables }] = (await db.prepare("SELECT count(*) AS tables FROM sqlite_master WHERE name = 'outbox'").all()).results;
  if (!tables) await db.batch(migrations().map((statement) => db.prepare(statement)));
  const site = await mf.getWorker("pseo-generator");
  const consumer_ = await mf.getWorker("social-poster");
  const queue = await mf.getQueueProducer("SOCIAL_QUEUE", "pseo-generator");
  const bearer = (secret) => ({ authorization: `Bearer ${secret}` });
  return {
    mf, db, site, queue, faults,
    log: () => log,
    // What each event asked for, oldest first.
    tallies: (event) => [...log.matchAll(/^tally (.*)$/gm)].map((line) => JSON.parse(line[1])).filter((tally) => tally.event === event),
    rows: async (sql) => (await db.prepare(sql).all()).results,
    get: (path, headers = {}) => site.fetch(`https://test.example${path}`, { headers, redirect: "manual" }),
    post: (path, body = "", secret = RUN_SECRET) => site.fetch(`https://test.example${path}`, { method: "POST", body, headers: bearer(secret) }),
    plan: (...slugs) =>
      site.fetch("https://test.example/topics", {
        method: "POST", headers: bearer(RUN_SECRET),
        body: ["key,slug,keyword", ...slugs.map((slug) => `${slug},${slug},about ${slug}`)].join("\n"),
      }),
    cron: () => site.scheduled({ cron: "0 6 * * *", scheduledTime: new Date() }),
    // A batch straight to the consumer; the answer says what it did with each message.
    deliver: (...bodies) =>
      consumer_.queue("social-queue", bodies.map((body, n) => ({ id: `m${n}`, timestamp: new Date(), attempts: 1, body }))),
    ledger: async () => (await db.prepare("SELECT status, target, account, remote_id, attempts FROM post_ledger ORDER BY remote_id").all()).results,
  };
}

// A world and both Workers, for one test.
export async function scene(t, options) {
  const world = await loopback();
  const both = await start(world, options);
  t.after(async () => {
    await both.mf.dispose();
    await world.close();
  });
  return { world, ...both };
}

export const message = (pageId) => JSON.stringify({ v: 1, body: JSON.stringify({ page_id: pageId }), sent_at_ms: Date.now() });

// One page, published and not yet posted: the network is down until the caller says otherwise.
export async function published({ plan, cron, rows, log }, slug = "alpha") {
  const planned = await plan(slug);
  if (planned.status !== 200) throw new Error(`${planned.status} ${await planned.text()}\n${log()}`);
  const { outcome } = await cron();
  if (outcome !== "ok") throw new Error(`the cron is ${outcome}\n${log()}`);
  return (await rows(`SELECT id FROM content_metadata WHERE slug = '${slug}'`))[0].id;
}

export async function until(what, condition, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
