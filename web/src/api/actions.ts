// What a person does. Each answers when the server has done it; the stream brings what follows.

import { chosenScope } from "./chosen";
import { part, post, put, remove } from "./client";
import type { Scope } from "./queries";
import { readCheck } from "./read";
import type { components } from "./schema";
import type { PlanCheck, RoleDetail, Started } from "./types";

type Wire = components["schemas"];

/** What is sent: what has a default may be left out. */
type Sent<Name extends keyof Wire, Needed extends keyof Wire[Name] = never> = Partial<Wire[Name]> &
  Pick<Wire[Name], Needed>;

/** A request to the engine; one that is refused is an error. */
const ask = (path: string, body: unknown, scope: Scope) =>
  post<Wire["Answered"]>(path, body, scope);

/** What becomes of epics that have begun and that an edit changes. */
export type Begun = Wire["BegunAnswer"];

export type RunOptions = Sent<"Run">;

export const plan = {
  create: (body: Sent<"NewPlan">, scope: Scope) => post<Wire["TakenPlan"]>("/plans", body, scope),
  check: async (markdown: string, scope: Scope): Promise<PlanCheck> => {
    const body: Sent<"Text"> = { markdown };
    return readCheck(await post<Wire["Checked"]>("/plans/check", body, scope));
  },
  save: (
    id: string,
    markdown: string,
    base_sha256: string,
    begun: Begun | undefined,
    scope: Scope,
  ) => put<Wire["TakenPlan"]>(`/plans/${part(id)}`, { markdown, base_sha256, begun }, scope),
  /** With its rooms. */
  remove: (id: string, scope: Scope) => remove(`/plans/${part(id)}`, { with_rooms: true }, scope),
  run: (id: string, options: RunOptions, scope: Scope) =>
    post<Started>(`/plans/${part(id)}/run`, options, scope),
  stop: (id: string, force: boolean, scope: Scope) =>
    ask(`/plans/${part(id)}/stop`, { force }, scope),
  pause: (id: string, scope: Scope) => ask(`/plans/${part(id)}/pause`, {}, scope),
  resume: (id: string, scope: Scope) => ask(`/plans/${part(id)}/resume`, {}, scope),
  /** Approves the text with this hash: what the person read, and nothing else. */
  approve: (id: string, sha256: string | undefined, scope: Scope) =>
    ask(`/plans/${part(id)}/approve`, { text_sha256: sha256 }, scope),
  reject: (id: string, reason: string, scope: Scope) =>
    ask(`/plans/${part(id)}/reject`, { reason }, scope),
  /** What it may use in all; what is left out stays. */
  budget: (id: string, budget: { tokens?: number; usd?: number }, scope: Scope) =>
    post(`/plans/${part(id)}/budget`, budget, scope),
};

export type Said = Wire["SaidKind"];

export const room = {
  say: (id: string, kind: Said, body: string, re: string | null | undefined, scope: Scope) =>
    post<Wire["Spoken"]>(`/rooms/${part(id)}/channel`, { kind, body, re: re ?? undefined }, scope),
  decide: (id: string, verdict: string, reason: string, scope: Scope) =>
    ask(`/rooms/${part(id)}/status`, { verdict, reason }, scope),
  /** One of the room's own settings. */
  set: (id: string, key: string, value: unknown, scope: Scope) =>
    put(`/rooms/${part(id)}/settings`, { key, value }, scope),
  override: (id: string, state: string, reason: string, scope: Scope) =>
    ask(`/rooms/${part(id)}/status`, { state, reason }, scope),
};

export type SearchQuery = Sent<"Search", "query">;

export const memory = {
  search: (query: SearchQuery) => post<Wire["Found"]>("/search", query, chosenScope()),
  /** In every project; each hit says of which it is. */
  searchAll: (query: SearchQuery) => post<Wire["Found"]>("/search", query),
  publish: (body: Sent<"NewMemory", "kind" | "summary">) =>
    post<Wire["Memory"]>("/memories", body, chosenScope()),
};

export const settings = {
  set: (key: string, value: unknown) => put("/config", { key, value }, chosenScope()),
  saveRole: (name: string, role_json: Wire["NewRole"]["role_json"], role_md: string) =>
    put<RoleDetail>(`/roles/${part(name)}`, { role_json, role_md }, chosenScope()),
  removeRole: (name: string) => remove(`/roles/${part(name)}`, {}, chosenScope()),
  installSkill: (source: string) => post("/skills/install", { source }, chosenScope()),
  removeSkill: (name: string) => remove(`/skills/${part(name)}`, {}, chosenScope()),
  saveMcp: (name: string, server: Sent<"NewServer">) =>
    put<Wire["ServerNamed"]>(`/mcp/${part(name)}`, server, chosenScope()),
  removeMcp: (name: string) => remove(`/mcp/${part(name)}`, {}, chosenScope()),
  testMcp: (name: string) => post<Wire["ServerTest"]>(`/mcp/${part(name)}/test`, {}, chosenScope()),
  testAgent: (name: string) =>
    post<Wire["AgentTest"]>(`/agents/${part(name)}/test`, {}, chosenScope()),
  setSecret: (server: string, key: string, value: string) =>
    put(`/vault/${part(server)}/${part(key)}`, { value }, chosenScope()),
  removeSecret: (server: string, key: string) =>
    remove(`/vault/${part(server)}/${part(key)}`, {}, chosenScope()),
};
