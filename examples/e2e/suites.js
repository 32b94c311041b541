// The entry of the Worker that runs the suites: a batch comes whole, for the suite settles it.
import worker from "./worker.js";
import { queue } from "./index.js";

export default { fetch: worker.fetch, queue };
