// The Worker's entry: hands each event to the Rust module. When the module traps, what it was doing fails at once, and the
// next call finds a fresh one.
import * as rust from "./index.js";

const state = rust.__worker_init_state();
const waiting = new Set();

// A panic traps in a microtask, so the promise of its handler never settles. The runtime tells of the trap here only.
addEventListener("error", ({ error }) => {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  state.criticalError = true;
  for (const reject of waiting) reject(new Error(`the Rust module trapped: ${error.message}`));
  waiting.clear();
});

async function call(name, event, env, context) {
  if (state.criticalError) {
    // The memory of a module that trapped is not to be trusted: begin with a fresh one.
    rust.__wbg_reset_state();
    state.criticalError = false;
    state.instanceId++;
  }
  let fail;
  const trapped = new Promise((_, reject) => (fail = reject));
  waiting.add(fail);
  try {
    return await Promise.race([rust[name](event, env, context), trapped]);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
    throw error;
  } finally {
    waiting.delete(fail);
  }
}

const handlers = {
  fetch: (request, env, context) => call("fetch", request, env, context),
  scheduled: (event, env, context) => call("scheduled", event, env, context),
  // One message after the other, each with a call of its own: a trap costs its message a retry, after the queue's own
  // delay, and finds no neighbour half done. To fail the whole batch would bring back what was acknowledged, too.
  async queue({ queue, messages }, env, context) {
    for (const message of messages) {
      try {
        await call("queue", { queue, messages: [message] }, env, context);
      } catch (error) {
        console.error(JSON.stringify({ level: "error", message: "retrying", id: message.id, error: String(error) }));
        message.retry();
      }
    }
  },
};

export default Object.fromEntries(Object.entries(handlers).filter(([name]) => typeof rust[name] === "function"));
