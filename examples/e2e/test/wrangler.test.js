// wrangler takes both configurations as they stand, and would deploy what was built.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const examples = fileURLToPath(new URL("../..", import.meta.url));
const env = { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", NO_COLOR: "1" };

describe("wrangler", { concurrency: 2 }, () => {
  for (const name of ["pseo-generator", "social-poster"]) {
    test(`deploys ${name} without a warning`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), "presswork-wrangler-"));
      t.after(() => rm(folder, { recursive: true, force: true }));
      // It is built already: building here would take it away from the other tests.
      const config = await readFile(`${examples}${name}/wrangler.toml`, "utf8");
      const without = config.replace(/^\[build\]\n(?:.+\n)+/m, "");
      assert.notEqual(without, config);
      await writeFile(join(folder, "wrangler.toml"), without);
      await symlink(`${examples}${name}/build`, join(folder, "build"));
      const wrangler = fileURLToPath(new URL("../node_modules/wrangler/bin/wrangler.js", import.meta.url));
      const line = [wrangler, "deploy", "--dry-run", "--outdir", join(folder, "out"), "-c", join(folder, "wrangler.toml")];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, line, { env });
      const said = stdout + stderr;
      assert.match(said, /env\.DB \(content-db\) +D1 Database/);
      assert.match(said, /--dry-run: exiting now/);
      assert.doesNotMatch(said, /warning|unexpected/i);
      t.diagnostic(/Total Upload: .*/.exec(said)[0]);
    });
  }
});
