// Plays the model (Chat Completions) and the network (Mastodon), as their documents say, and fails when told to.
import { createServer } from "node:http";

export const PAGE = {
  title: "A title that is long enough to pass the gate",
  description: "A description that is long enough to pass the gate for descriptions, which wants seventy.",
  keywords: ["one"],
  body_html: "<h2>Facts</h2><p>Four words are enough.</p><script>alert(1)</script>",
  image_prompt: "A clock",
  hooks: ["Did you know?"],
};

// The HTML that Mastodon makes of plain text: paragraphs, and links cut into spans.
function html(text) {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const linked = escaped.replace(/(https?:\/\/)(\S+)/g, (url, scheme, rest) =>
    `<a href="${url}" target="_blank" rel="nofollow noopener noreferrer" translate="no"><span class="invisible">${scheme}</span><span class="">${rest}</span><span class="invisible"></span></a>`);
  return `<p>${linked.replaceAll("\n\n", "</p><p>").replaceAll("\n", "<br />")}</p>`;
}

export async function loopback() {
  const world = {
    page: JSON.stringify(PAGE), // what the model writes when a page is asked for, or what makes it of the request
    posted: () => {}, // is told of each status
    refusal: null, // what it says instead
    statuses: [], // what the network shows, newest first
    posts: [], // every request to post, also one that failed
    // What the next requests to post meet, one each, or all while it is down:
    // { status, error, headers } refused; { made: true } stored first; { reset: true } no answer; { slow: ms } a late one.
    faults: [],
    down: null,
    asked: 0, // requests to the model
    unexpected: [], // requests that neither knows
    close: () => new Promise((done) => (server.closeAllConnections(), server.close(done))),
  };
  const keys = new Map(); // idempotency key -> status
  const account = () => ({ id: "1", username: "almanac", acct: "almanac", url: `${world.url}/@almanac` });

  function store(text) {
    const id = String(100 + world.statuses.length);
    const made = {
      id, url: `${world.url}/@almanac/${id}`, uri: `${world.url}/users/almanac/statuses/${id}`,
      created_at: new Date().toISOString(), content: html(text), spoiler_text: "", visibility: "public",
      media_attachments: [], account: account(),
    };
    world.statuses.unshift(made);
    world.posted(made);
    return made;
  }

  // https://docs.joinmastodon.org/methods/statuses/#create
  async function post(request, text, answer, socket) {
    const { status } = JSON.parse(text);
    const key = request.headers["idempotency-key"];
    world.posts.push({ status, key, at: Date.now() });
    const fault = world.faults.shift() ?? world.down ?? {};
    const settles = !("status" in fault || fault.reset) || fault.made;
    let made = keys.get(key);
    if (!made && settles) keys.set(key, (made = store(status)));
    if (fault.slow) await new Promise((done) => setTimeout(done, fault.slow));
    if (fault.reset) return socket.resetAndDestroy();
    if (fault.status) return answer({ error: fault.error ?? "fault" }, fault.status, fault.headers);
    return answer(made);
  }

  // https://docs.joinmastodon.org/methods/accounts/#statuses
  function list(url) {
    const before = url.searchParams.get("max_id");
    const older = world.statuses.filter(({ id }) => !before || Number(id) < Number(before));
    return older.slice(0, Math.min(Number(url.searchParams.get("limit") ?? 20), 40));
  }

  function complete(text) {
    world.asked += 1;
    const page = () => (typeof world.page === "function" ? world.page(text) : world.page);
    const content = text.includes("Write one post") ? '{"text":"Did you know?"}' : page();
    const message = { role: "assistant", content: world.refusal ? null : content, refusal: world.refusal };
    return {
      id: "chatcmpl-1", object: "chat.completion", created: 1, model: "gpt-test",
      choices: [{ index: 0, finish_reason: "stop", message }],
      usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
    };
  }

  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const answer = (body, status = 200, headers = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(body));
    };
    const url = new URL(request.url, world.url);
    const route = `${request.method} ${url.pathname}`;
    if (route === "POST /v1/chat/completions") {
      if (request.headers.authorization !== "Bearer sk-test-secret") return answer({ error: { message: "who?" } }, 401);
      return answer(complete(text));
    }
    if (request.headers.authorization !== "Bearer network-test-secret") return answer({ error: "The access token is invalid" }, 401);
    switch (route) {
      case "GET /api/v1/accounts/verify_credentials":
        return answer(account());
      case "GET /api/v2/instance":
        return answer({ version: "4.4.0", configuration: {} });
      case "GET /api/v1/accounts/1/statuses":
        return answer(list(url));
      case "POST /api/v1/statuses":
        return post(request, text, answer, response.socket);
      default:
        world.unexpected.push(route);
        return answer({ error: "Record not found" }, 404);
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  world.url = `http://127.0.0.1:${server.address().port}`;
  return world;
}
