// A server of standard input and output behind HTTP, for clients that speak nothing else.
//
//   node bridge.mjs PROGRAM [ARG...]
//
// Each session gets a process of its own. The first line on standard output is the address to
// connect to; when standard input ends, so do the bridge and all its processes.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const [program, ...args] = process.argv.slice(2);
const sessions = new Map();

/** One process, and who waits for which of its answers. */
class Session {
  id = randomUUID();
  version = null;
  #waiting = new Map();
  #child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });

  constructor() {
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#receive(line));
    this.#child.on("exit", (code, signal) => {
      for (const exchange of this.#waiting.values()) {
        exchange.fail(502, `the server ended (${signal ?? code}) before it answered`);
      }
      sessions.delete(this.id);
    });
    this.#child.stdin.on("error", (error) => console.error(`cannot write: ${error.message}`));
  }

  notify(message) {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  request(message, exchange) {
    this.#waiting.set(message.id, exchange);
    this.notify(message);
  }

  end() {
    this.#child.stdin.end();
  }

  #receive(line) {
    const message = JSON.parse(line);
    if (message.method !== undefined) {
      // Whatever the server says of itself belongs to the call that runs, if there is one.
      this.#waiting.values().next().value?.stream(message);
      return;
    }
    this.version = message.result?.protocolVersion ?? this.version;
    const exchange = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    exchange?.finish(message);
  }
}

/** One request over HTTP: answered as JSON, or as a stream once there is more to say. */
class Exchange {
  #response;
  #session;
  #streaming = false;

  constructor(response, session) {
    this.#response = response;
    this.#session = session;
  }

  stream(message) {
    if (!this.#streaming) {
      this.#streaming = true;
      this.#head(200, "text/event-stream");
    }
    this.#response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }

  finish(message) {
    if (this.#streaming) {
      this.stream(message);
      this.#response.end();
    } else {
      this.#head(200, "application/json").end(JSON.stringify(message));
    }
  }

  fail(status, reason) {
    if (this.#streaming) this.#response.end();
    else refuse(this.#response, status, reason);
  }

  #head(status, type) {
    const headers = { "content-type": type, "mcp-session-id": this.#session.id };
    return this.#response.writeHead(status, headers);
  }
}

function refuse(response, status, reason) {
  response.writeHead(status, { "content-type": "text/plain" }).end(reason);
}

/** Whether a browser on a foreign page cannot have sent this. */
function isLocal(request) {
  const local = (name) => ["localhost", "127.0.0.1", "[::1]"].includes(name);
  const { host, origin } = request.headers;
  const named = (text) => URL.canParse(text) && local(new URL(text).hostname);
  return named(`http://${host}`) && (origin === undefined || named(origin));
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString("utf8"));
}

async function handle(request, response) {
  if (!isLocal(request)) return refuse(response, 403, "for local clients only");
  if (!["POST", "DELETE"].includes(request.method)) return refuse(response, 405, "POST or DELETE");
  const known = sessions.get(request.headers["mcp-session-id"]);
  if (request.method === "DELETE") {
    known?.end();
    return response.writeHead(known ? 204 : 404).end();
  }
  const message = await body(request);
  let session = known;
  if (message.method === "initialize") {
    session = new Session();
    sessions.set(session.id, session);
  }
  if (session === undefined) return refuse(response, 404, "no such session");
  const version = request.headers["mcp-protocol-version"];
  if (known && version !== undefined && version !== session.version) {
    return refuse(response, 400, `this session speaks ${session.version}`);
  }
  if (message.id === undefined || message.method === undefined) {
    session.notify(message);
    return response.writeHead(202).end();
  }
  session.request(message, new Exchange(response, session));
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => refuse(response, 400, error.message));
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/mcp`);
});

process.stdin.resume().on("end", () => {
  for (const session of sessions.values()) session.end();
  server.close();
  server.closeAllConnections();
});
