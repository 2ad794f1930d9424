// Every request goes through here: the project it is about, problem documents, the session.

/** A problem document (RFC 9457), or what stands in for one when the server sent none. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly errors: ProblemItem[] = [],
  ) {
    super(detail || title);
    this.name = "ApiError";
  }
}

export interface ProblemItem {
  message: string;
  code?: string | null;
  pointer?: string | null;
  line?: number | null;
  column?: number | null;
  suggestion?: string | null;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** `/api` + path + query, without what is empty. */
export function url(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") params.set(key, String(value));
  }
  const tail = params.toString();
  return `/api${path}${tail ? `?${tail}` : ""}`;
}

/** A path's part that came from data. */
export const part = (text: string): string => encodeURIComponent(text);

async function problem(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as {
      title?: string;
      detail?: string;
      errors?: ProblemItem[];
    };
    return new ApiError(
      response.status,
      body.title ?? response.statusText,
      body.detail ?? body.title ?? "",
      body.errors ?? [],
    );
  } catch {
    return new ApiError(
      response.status,
      response.statusText || "Error",
      "The server sent no reason.",
    );
  }
}

async function send(method: string, target: string, body?: unknown): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(target, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "No connection", "The dashboard does not answer. Is it still running?");
  }
  if (!response.ok) throw await problem(response);
  return response;
}

type SnapshotListener = (streamId: string) => void;
const listeners = new Set<SnapshotListener>();

/** Hears of each snapshot which event of the stream it is sure to include. */
export function onSnapshot(listener: SnapshotListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export async function get<T>(path: string, query?: Query): Promise<T> {
  const response = await send("GET", url(path, query));
  const value = (await response.json()) as T;
  const streamId = response.headers.get("ostwin-stream-id");
  if (streamId) for (const listener of listeners) listener(streamId);
  return value;
}

/** A file's text, whatever its type. */
export async function text(path: string, query?: Query): Promise<string> {
  return (await send("GET", url(path, query))).text();
}

async function write<T>(method: string, path: string, body: unknown, query?: Query): Promise<T> {
  const response = await send(method, url(path, query), body);
  const answer = await response.text();
  return (answer ? JSON.parse(answer) : {}) as T;
}

export const post = <T>(path: string, body: unknown, query?: Query): Promise<T> =>
  write("POST", path, body ?? {}, query);
export const put = <T>(path: string, body: unknown, query?: Query): Promise<T> =>
  write("PUT", path, body, query);
export const remove = <T>(path: string, body: unknown, query?: Query): Promise<T> =>
  write("DELETE", path, body, query);
