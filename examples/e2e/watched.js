// Stands before a Worker's own entry: counts what each event asks of D1 and of the queue, and fails a call when told to.
// A statement that cannot be prepared is a panic of the Rust module: so one is had from the Worker as it is deployed.
// The Worker itself is the file that is deployed.
import worker from "./worker.js";

// Objects of the runtime insist on being themselves: methods are called on the thing, not on its proxy.
const proxy = (thing, own) =>
  new Proxy(thing, {
    get(target, name) {
      const value = Object.hasOwn(own, name) ? own[name] : target[name];
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });

function watched(env, tally) {
  const told = async (name) => {
    const answer = await env.FAULTS?.fetch(`http://faults/${name}`);
    return answer?.ok ? answer.text() : "";
  };
  const fault = async (name) => {
    const what = await told(name);
    if (what === "hang") await new Promise(() => {});
    if (what) throw new Error(what);
  };
  const own = {};
  if (env.DB) {
    let panic = "";
    // The database, or a session of it.
    const asked = (database) => ({
      prepare: (sql) => {
        const why = panic;
        panic = "";
        if (why) throw new Error(why);
        return database.prepare(sql);
      },
      batch: async (statements) => {
        await fault("batch");
        tally.calls += 1;
        tally.queries += statements.length;
        const results = await database.batch(statements);
        for (const { meta } of results) {
          tally.read += meta.rows_read ?? 0;
          tally.written += meta.rows_written ?? 0;
        }
        // Whoever has read the page of that slug panics.
        if (JSON.stringify(results).includes('"slug":"panics"')) panic = await told("panic");
        return results;
      },
    });
    own.DB = proxy(env.DB, {
      ...asked(env.DB),
      withSession: (start) => {
        tally.sessions.push(start);
        const session = env.DB.withSession(start);
        return proxy(session, asked(session));
      },
    });
  }
  for (const name of ["SOCIAL_QUEUE", "DEAD_LETTERS"]) {
    if (!env[name]) continue;
    const queue = env[name];
    const sent = (method) => async (...args) => {
      await fault(name);
      tally.sends += 1;
      return queue[method](...args);
    };
    own[name] = proxy(queue, { send: sent("send"), sendBatch: sent("sendBatch") });
  }
  return new Proxy(env, { get: (target, name) => (Object.hasOwn(own, name) ? own[name] : target[name]) });
}

const watch = (event) => async (subject, env, context) => {
  const tally = { event, messages: subject.messages?.length, calls: 0, queries: 0, read: 0, written: 0, sends: 0, sessions: [] };
  try {
    return await worker[event](subject, watched(env, tally), context);
  } finally {
    console.log(`tally ${JSON.stringify(tally)}`);
  }
};

export default Object.fromEntries(Object.keys(worker).map((event) => [event, watch(event)]));
