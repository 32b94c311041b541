// The wrangler files, as far as Miniflare needs them: they are plain TOML, a value to a line.
import { readFileSync } from "node:fs";

export function read(file) {
  const root = {};
  let table = root;
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [, brackets, path] = /^(\[\[?)([\w.]+)\]/.exec(line) ?? [];
    const [, key, value] = /^(\w+) = ("[^"]*"|\[.*\]|\w+)/.exec(line) ?? [];
    if (path) {
      const names = path.split(".");
      const last = names.pop();
      const parent = names.reduce((at, name) => (at[name] ??= {}), root);
      table = {};
      if (brackets === "[[") (parent[last] ??= []).push(table);
      else parent[last] = table;
    } else if (key) table[key] = JSON.parse(value);
    else if (!/^(#.*)?$/.test(line)) throw new Error(`${file}: not understood: ${line}`);
  }
  return root;
}

// What a Worker is bound to, in Miniflare's words. Two files that name one database or one queue share it.
export function bound({ d1_databases = [], queues: { producers = [], consumers = [] } = {}, compatibility_date }) {
  const queues = consumers.map((consumer) => [consumer.queue, {
    maxBatchSize: consumer.max_batch_size, maxBatchTimeout: consumer.max_batch_timeout, maxRetries: consumer.max_retries,
    retryDelay: consumer.retry_delay, deadLetterQueue: consumer.dead_letter_queue,
  }]);
  return {
    compatibilityDate: compatibility_date,
    d1Databases: Object.fromEntries(d1_databases.map(({ binding, database_id }) => [binding, database_id])),
    queueProducers: Object.fromEntries(producers.map(({ binding, queue }) => [binding, queue])),
    queueConsumers: Object.fromEntries(queues),
  };
}
