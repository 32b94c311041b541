// Plays X and Bluesky, as their documents say: each shows what was posted, and fails when told to.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { createServer } from "node:http";

export const KEYS = { X_API_KEY: "x-key", X_API_KEY_SECRET: "x-key-test-secret", X_ACCESS_TOKEN: "x-token", X_ACCESS_TOKEN_SECRET: "x-token-test-secret" };
export const PASSWORD = "bsky-test-secret";
const DID = "did:plc:almanac";

// https://docs.x.com/fundamentals/x-ids: an id holds the time. A link in a text becomes one of t.co, when its host
// ends as hosts do: in `.com`, not in `.example`.
const snowflake = (n) => String((BigInt(Date.now() - 1_288_834_974_657) << 22n) + BigInt(n));
const shortened = (text) => text.replace(/https?:\/\/[\w.-]+\.(?:com|org|net)\b\S*/g, (url) => `https://t.co/${createHash("sha1").update(url).digest("hex").slice(0, 10)}`);

const encoded = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

// https://docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature; a body of JSON is not signed
function signed({ method, headers }, url) {
  const given = Object.fromEntries([...(headers.authorization ?? "").matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, decodeURIComponent(value)]));
  const { oauth_signature, ...rest } = given;
  const fields = [...Object.entries(rest), ...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort().join("&");
  const base = [method, encoded(url.origin + url.pathname), encoded(fields)].join("&");
  const key = `${encoded(KEYS.X_API_KEY_SECRET)}&${encoded(KEYS.X_ACCESS_TOKEN_SECRET)}`;
  const known = rest.oauth_consumer_key === KEYS.X_API_KEY && rest.oauth_token === KEYS.X_ACCESS_TOKEN;
  return known && oauth_signature === createHmac("sha1", key).update(base).digest("base64");
}

export async function networks() {
  const world = {
    tweets: [], records: new Map(), // what each shows
    asked: [], // every request: method, path
    sessions: 0, // sign-ins at Bluesky
    xFaults: [], // what the next posts to X meet: { status, headers, made }
    close: () => new Promise((done) => (server.closeAllConnections(), server.close(done))),
  };
  let access = "";

  function tweet(body, answer) {
    const fault = world.xFaults.shift() ?? {};
    const data = { id: snowflake(world.tweets.length), text: shortened(body.text) };
    // https://docs.x.com/x-api/fundamentals/response-codes-and-errors: a text that was posted already is refused
    if (!fault.status && world.tweets.some(({ text }) => text === data.text)) {
      return answer({ title: "Forbidden", status: 403, detail: "You are not allowed to create a Tweet with duplicate content." }, 403);
    }
    if (!fault.status || fault.made) world.tweets.unshift({ ...data, sent: body.text });
    return fault.status ? answer({ title: "fault" }, fault.status, fault.headers) : answer({ data }, 201);
  }

  // https://docs.bsky.app/docs/api/com-atproto-repo-put-record: with `swapRecord: null` only where no record is
  function put({ repo, collection, rkey, record, swapRecord }, answer) {
    if (repo !== DID || record.$type !== collection) return answer({ error: "InvalidRequest", message: "no such repo" }, 400);
    if (swapRecord === null && world.records.has(rkey)) return answer({ error: "InvalidSwap", message: "Record was at a cid" }, 400);
    world.records.set(rkey, record);
    return answer({ uri: `at://${DID}/${collection}/${rkey}`, cid: "bafyreib" });
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
    world.asked.push(route);
    const body = text ? JSON.parse(text) : {};
    if (url.pathname.startsWith("/2/")) {
      if (!signed(request, url)) return answer({ title: "Unauthorized", status: 401 }, 401);
      if (route === "POST /2/tweets") return tweet(body, answer);
      if (route === "GET /2/users/me") return answer({ data: { id: "7", name: "Almanac", username: "almanac" } });
      if (route === "GET /2/users/7/tweets") return answer({ data: world.tweets.map(({ id, text }) => ({ id, text, edit_history_tweet_ids: [id] })), meta: { result_count: world.tweets.length } });
      return answer({ title: "Not Found" }, 404);
    }
    const session = () => ({ did: DID, handle: "almanac.example", accessJwt: access, refreshJwt: "refresh" });
    if (route === "POST /xrpc/com.atproto.server.createSession") {
      if (body.password !== PASSWORD) return answer({ error: "AuthenticationRequired", message: "Invalid identifier or password" }, 401);
      world.sessions += 1;
      access = randomBytes(8).toString("hex");
      return answer(session());
    }
    if (!access || request.headers.authorization !== `Bearer ${access}`) return answer({ error: "InvalidToken" }, 400);
    if (route === "GET /xrpc/com.atproto.server.getSession") return answer(session());
    if (route === "POST /xrpc/com.atproto.repo.putRecord") return put(body, answer);
    return answer({ error: "MethodNotImplemented" }, 501);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  world.url = `http://127.0.0.1:${server.address().port}`;
  return world;
}
