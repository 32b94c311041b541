// Measures what a page and a post cost on workerd, and prints one line for `cargo xtask e2e --write`.
// workerd reports no CPU time for an event. What is taken is the time of its process while nothing else runs in it: with
// D1's SQLite, the queue and Miniflare's own Workers, so each Worker alone needs less. Linux only.
import { readFileSync, readdirSync } from "node:fs";
import { loopback } from "./loopback.js";
import { message, start, until } from "./workers.js";

const PAGES = 200;
const MESSAGES = 2; // of a batch, as in wrangler.toml

function workerd() {
  const children = readdirSync("/proc/self/task").map((task) => readFileSync(`/proc/self/task/${task}/children`, "utf8"));
  const pids = children.join(" ").split(" ").filter(Boolean);
  return pids.find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("workerd"));
}

// Milliseconds of user and system time; a tick of Linux is 10 ms.
function cpu() {
  const fields = readFileSync(`/proc/${workerd()}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function timed(work) {
  const [wall, used] = [performance.now(), cpu()];
  await work();
  return { wall: (performance.now() - wall) / PAGES, cpu: (cpu() - used) / PAGES };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const round = (number) => Math.round(number * 100) / 100;

// What the first event of a fresh isolate takes longer than later ones.
async function fresh(name, event) {
  const longer = [];
  for (let n = 0; n < 5; n += 1) {
    const plain = { name: "plain", modules: true, script: "export default { fetch: () => new Response() }" };
    const s = await start(world, { options: { workers: [plain] } });
    const worker = await s.mf.getWorker(name);
    const times = [];
    await (await s.mf.getWorker("plain")).fetch("http://plain/"); // Miniflare's own start
    for (let m = 0; m < 6; m += 1) {
      const begin = performance.now();
      await event(worker);
      times.push(performance.now() - begin);
    }
    longer.push(times[0] - median(times.slice(1)));
    await s.mf.dispose();
  }
  return median(longer);
}

const world = await loopback();
const starts = {
  "pseo-generator": await fresh("pseo-generator", (worker) => worker.fetch("http://site/healthz")),
  "social-poster": await fresh("social-poster", (worker) => worker.queue("social-dlq", [])),
};

const s = await start(world, {
  change: (generator) => Object.assign(generator, { PAGES_PER_RUN: "4", GENERATOR_CONCURRENCY: "4" }), // as in wrangler.toml
  consumed: false, // the posts are measured by themselves
});
await s.plan(...Array.from({ length: PAGES }, (_, n) => `page-${n}`));
const page = await timed(async () => {
  for (let run = 0; run < PAGES / 4; run += 1) await s.cron();
});
const ids = (await s.rows("SELECT id FROM content_metadata WHERE status = 'published'")).map(({ id }) => id);
const post = await timed(async () => {
  for (let n = 0; n < PAGES; n += MESSAGES) await s.deliver(...ids.slice(n, n + MESSAGES).map(message));
});
if (world.statuses.length !== PAGES) throw new Error(`${world.statuses.length} posts of ${PAGES} pages`);

async function asked(event) {
  const events = PAGES / (event === "queue" ? MESSAGES : 4);
  await until("the tallies", () => s.tallies(event).length >= events);
  const sum = (name) => round(s.tallies(event).reduce((sum, tally) => sum + tally[name], 0) / PAGES);
  const most = Math.max(...s.tallies(event).map(({ queries }) => queries));
  return { calls: sum("calls"), queries: sum("queries"), read: sum("read"), written: sum("written"), most };
}
const figures = { start: starts, page: { ...page, ...(await asked("scheduled")) }, post: { ...post, ...(await asked("queue")) } };
await s.mf.dispose();
await world.close();
console.log(`figures ${JSON.stringify(figures)}`);
