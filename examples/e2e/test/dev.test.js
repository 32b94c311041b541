// `cargo xtask dev` serves a page and stops when it is told to.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { until } from "../workers.js";

test("dev starts both Workers without a key, serves the pages of the cron, and stops at Ctrl-C", async (t) => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_KEY$|_TOKEN$|^NODE_TEST/.test(name)));
  const dev = spawn(process.execPath, ["dev.js", "0"], { cwd: fileURLToPath(new URL("..", import.meta.url)), env });
  t.after(() => dev.kill()); // it takes workerd along, which a SIGKILL would leave behind
  let said = "";
  for (const stream of [dev.stdout, dev.stderr]) stream.on("data", (data) => (said += data));
  await until("an address", () => {
    if (dev.exitCode !== null) throw new Error(said);
    return said.includes("Ctrl-C");
  });
  const site = /the site {4}(\S+)/.exec(said)[1];
  const home = await (await fetch(site)).text();
  const [, page] = /href="(\/[^"/]+\/)"/.exec(home) ?? assert.fail(`${home}\n${said}`);
  assert.match(await (await fetch(new URL(page, site))).text(), /The facts/);
  await until("a post", () => said.includes("posted http"));
  assert.equal(await (await fetch(new URL("/cdn-cgi/handler/scheduled", site))).text(), "ok");
  dev.kill("SIGINT");
  const [code] = await once(dev, "exit");
  assert.equal(code, 130, said);
  await assert.rejects(fetch(site));
});
