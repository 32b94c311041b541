// `cargo xtask dev [port]`: both Workers on this machine, bound as their wrangler files say, until Ctrl-C.
//
// A setting or secret of the same name in the environment is taken instead of the file's. Without OPENAI_API_KEY a model of
// our own writes, and without MASTODON_ACCESS_TOKEN a network of our own takes the posts. Each start begins with an empty
// database and plans the sample's topics.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { loopback, PAGE } from "./loopback.js";
import { migrations, worker } from "./workers.js";
import { bound, read } from "./wrangler.js";

const examples = fileURLToPath(new URL("..", import.meta.url));
const SECRETS = ["OPENAI_API_KEY", "RUN_SECRET", "MASTODON_ACCESS_TOKEN", "MODEL_BASE_URL"];
const files = Object.fromEntries(["pseo-generator", "social-poster"].map((name) => [name, read(`${examples}${name}/wrangler.toml`)]));

async function free() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// A page that holds the facts it was asked for and nothing else.
function written(request) {
  const { messages } = JSON.parse(request);
  const asked = messages.map(({ content }) => (typeof content === "string" ? content : content.map(({ text }) => text).join("\n"))).join("\n");
  const { topic } = JSON.parse(asked.split("```json\n").pop().split("\n```")[0]);
  const facts = Object.entries(topic).filter(([, fact]) => String(fact ?? "") !== "");
  const words = (name) => name.replaceAll("_", " ");
  const keyword = topic.keyword ?? topic.slug ?? "this topic";
  const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  // Whole words, as many as fit.
  const fitting = (text, most) => (text.length <= most ? text : text.slice(0, most + 1).replace(/\s+\S*$/, ""));
  const row = ([name, fact]) => `<tr><th>${escaped(words(name))}</th><td>${escaped(fact)}</td></tr>`;
  return JSON.stringify({
    ...PAGE,
    title: fitting(`Facts about ${keyword}, kept in one place`, 65),
    description: fitting(`What the topics file knows about ${keyword}, ${facts.length} facts, set down by a stand-in and not by a model.`, 160),
    keywords: [keyword],
    body_html: [
      `<h2>Where this comes from</h2><p>No model wrote this page: it was made on this machine, without a key, from one row of the`,
      ` topics file. Set a key in the environment and run the cron again to see what a model makes of the same facts.</p>`,
      `<h2>The facts</h2><table><tbody>${facts.map(row).join("")}</tbody></table>`,
    ].join(""),
    hooks: [`${facts.length} facts about ${keyword}.`],
  });
}

const port = Number(process.argv[2] ?? 8787) || (await free());
const site = `http://127.0.0.1:${port}`;
const world = await loopback();
world.page = written;
world.posted = ({ url, content }) => console.log(`posted ${url} ${content.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim()}`);

const stand = {
  SITE_BASE_URL: site, RUN_SECRET: randomBytes(16).toString("hex"),
  ...(process.env.OPENAI_API_KEY ? {} : { OPENAI_API_KEY: "sk-test-secret", MODEL_BASE_URL: `${world.url}/v1`, MODEL_NAME: "stand-in" }),
  ...(process.env.MASTODON_ACCESS_TOKEN ? {} : { MASTODON_ACCESS_TOKEN: "network-test-secret", MASTODON_URL: world.url }),
};
function settings(vars) {
  const all = { ...vars, ...stand };
  for (const name of [...Object.keys(vars), ...SECRETS]) if (process.env[name]) all[name] = process.env[name];
  return all;
}
const [generator, poster] = ["pseo-generator", "social-poster"].map((name) =>
  worker(name, { ...bound(files[name]), bindings: settings(files[name].vars) }, { entry: null }));
const mf = new Miniflare({
  cf: false, host: "127.0.0.1", port, unsafeTriggerHandlers: true, workers: [generator, poster],
  handleRuntimeStdio: (out, err) => (out.pipe(process.stdout), err.pipe(process.stderr)),
});
const db = await mf.getD1Database("DB", "pseo-generator");
await db.batch(migrations().map((statement) => db.prepare(statement)));
const owner = { authorization: `Bearer ${generator.bindings.RUN_SECRET}` };
const topics = readFileSync(`${examples}standalone/sample/topics.csv`);
const planned = await fetch(`${site}/topics`, { method: "POST", headers: owner, body: topics });
console.log(`planned ${await planned.text()}`);
await fetch(`${site}/cdn-cgi/handler/scheduled`);
console.log(`
the site    ${site}/
the cron    curl ${site}/cdn-cgi/handler/scheduled
the owner   curl -H 'authorization: Bearer ${generator.bindings.RUN_SECRET}' ${site}/dead-letters
the model   ${process.env.OPENAI_API_KEY ? "as configured" : "a stand-in; set OPENAI_API_KEY for a real one"}
the network ${process.env.MASTODON_ACCESS_TOKEN ? "as configured" : "a stand-in; set MASTODON_ACCESS_TOKEN for a real one"}
Ctrl-C stops both.`);
