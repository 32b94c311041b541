// Plays the model (Chat Completions) and the network (Mastodon), and fails when told to.
import { createServer } from "node:http";

const PAGE = {
  title: "A title that is long enough to pass the gate",
  description: "A description that is long enough to pass the gate for descriptions, which wants seventy.",
  keywords: ["one"],
  body_html: "<h2>Facts</h2><p>Four words are enough.</p><script>alert(1)</script>",
  image_prompt: "A clock",
  hooks: ["Did you know?"],
};

export async function loopback() {
  const world = {
    page: JSON.stringify(PAGE), // what the model writes when a page is asked for
    statuses: [], // what the network shows
    posts: [], // every request to post, also one that failed
    faults: [], // what the next requests to post meet: "503"
    asked: 0, // requests to the model
    close: () => new Promise((done) => (server.closeAllConnections(), server.close(done))),
  };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const json = (body, status = 200) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const route = `${request.method} ${new URL(request.url, world.url).pathname}`;
    if (route === "POST /v1/chat/completions") {
      if (request.headers.authorization !== "Bearer sk-test-secret") return json({ error: { message: "who?" } }, 401);
      world.asked += 1;
      const content = text.includes("Write one post") ? '{"text":"Did you know?"}' : world.page;
      const message = { role: "assistant", content, refusal: null };
      return json({
        id: "chatcmpl-1", object: "chat.completion", created: 1, model: "gpt-test",
        choices: [{ index: 0, finish_reason: "stop", message }],
        usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
      });
    }
    if (request.headers.authorization !== "Bearer network-test-secret") return json({ error: "The access token is invalid" }, 401);
    const account = { id: "1", username: "almanac", url: `${world.url}/@almanac` };
    switch (route) {
      case "GET /api/v1/accounts/verify_credentials":
        return json(account);
      case "GET /api/v2/instance":
        return json({ version: "4.4.0", configuration: {} });
      case "GET /api/v1/accounts/1/statuses":
        return json(world.statuses);
      case "POST /api/v1/statuses": {
        const { status } = JSON.parse(text);
        world.posts.push({ status, key: request.headers["idempotency-key"] });
        const fault = world.faults.shift();
        if (fault === "503") return json({ error: "Remote data could not be fetched" }, 503);
        const id = String(100 + world.statuses.length);
        const made = { id, url: `${world.url}/@almanac/${id}`, uri: `${world.url}/${id}`, created_at: new Date().toISOString(), content: `<p>${status}</p>`, spoiler_text: "", media_attachments: [], account };
        world.statuses.unshift(made);
        return json(made);
      }
      default:
        return json({ error: "Record not found" }, 404);
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  world.url = `http://127.0.0.1:${server.address().port}`;
  return world;
}
