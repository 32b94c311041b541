// The Worker's entry: hands each event to the Rust module, and lets no event hang when the module traps.
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

function guarded(handler) {
  return async (event, env, context) => {
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
      return await Promise.race([handler(event, env, context), trapped]);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
      throw error;
    } finally {
      waiting.delete(fail);
    }
  };
}

const events = ["fetch", "scheduled", "queue"].filter((name) => typeof rust[name] === "function");
export default Object.fromEntries(events.map((name) => [name, guarded(rust[name])]));
