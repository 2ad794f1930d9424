// What a person does. Each answers when the server has done it; the stream brings what follows.

import { chosenScope } from "./chosen";
import { part, post, put, remove } from "./client";
import type { Scope } from "./queries";
import { readDag, type WireDag } from "./read";
import type { Diagnostic, Hit, PlanCheck } from "./types";

/** The engine's answer to a request. */
export interface Answer {
  result: "done" | "refused" | "void" | "pending";
  reason?: string | null;
}

/** A request that the engine did not carry out, in its words. */
export class Refused extends Error {}

async function ask(path: string, body: unknown, scope: Scope): Promise<Answer> {
  const answer = await post<Answer>(path, body, scope);
  if (answer.result === "refused" || answer.result === "void") {
    throw new Refused(answer.reason ?? "The request was not carried out.");
  }
  return answer;
}

export interface RunOptions {
  review?: string;
  max_rooms?: number;
  agent?: string;
  model?: string;
  resume?: boolean;
}

export const plan = {
  create: (body: { markdown: string } | { goal: string }) =>
    post<{ plan_id: string; project?: string }>("/plans", body),
  check: async (markdown: string): Promise<PlanCheck> => {
    const { diagnostics, dag } = await post<{ diagnostics: Diagnostic[]; dag: WireDag | null }>(
      "/plans/check",
      { markdown },
    );
    return { diagnostics, dag: dag && readDag(dag) };
  },
  /** `begun`: what becomes of epics that have begun and that the edit changes. */
  save: (
    id: string,
    markdown: string,
    base_sha256: string,
    begun: "keep" | "redo" | undefined,
    scope: Scope,
  ) =>
    put<{ sha256?: string; diagnostics?: Diagnostic[] }>(
      `/plans/${part(id)}`,
      { markdown, base_sha256, begun },
      scope,
    ),
  remove: (id: string, scope: Scope) => remove(`/plans/${part(id)}`, scope),
  run: (id: string, options: RunOptions, scope: Scope) =>
    post<{ run_id?: string | null; log?: string }>(`/plans/${part(id)}/run`, options, scope),
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

export type Said = "message" | "answer" | "approve" | "deny";

export const room = {
  say: (id: string, kind: Said, body: string, re: string | null | undefined, scope: Scope) =>
    post<{ message_id: string }>(
      `/rooms/${part(id)}/channel`,
      { kind, body, re: re ?? undefined },
      scope,
    ),
  decide: (id: string, verdict: string, reason: string, scope: Scope) =>
    ask(`/rooms/${part(id)}/status`, { verdict, reason }, scope),
  /** One of the room's own settings. */
  set: (id: string, key: string, value: unknown, scope: Scope) =>
    put(`/rooms/${part(id)}/settings`, { key, value }, scope),
  override: (id: string, state: string, reason: string, scope: Scope) =>
    ask(`/rooms/${part(id)}/status`, { state, reason }, scope),
};

export interface SearchQuery {
  query: string;
  mode?: string;
  kind?: string;
  tags?: string[];
  limit?: number;
  in?: string;
}

export const memory = {
  search: (query: SearchQuery) =>
    post<{ items: Hit[]; mode_used?: string }>("/search", query, chosenScope()),
  publish: (body: {
    kind: string;
    summary: string;
    detail?: string;
    tags?: string[];
    supersedes?: string;
  }) => post<{ id: string }>("/memories", body, chosenScope()),
};

export const settings = {
  set: (key: string, value: unknown) => put("/config", { key, value }, chosenScope()),
  saveRole: (name: string, role_json: unknown, role_md: string) =>
    put(`/roles/${part(name)}`, { role_json, role_md }, chosenScope()),
  removeRole: (name: string) => remove(`/roles/${part(name)}`, chosenScope()),
  installSkill: (source: string) => post("/skills/install", { source }, chosenScope()),
  removeSkill: (name: string) => remove(`/skills/${part(name)}`, chosenScope()),
  saveMcp: (name: string, server: { command: string[] } | { url: string }) =>
    put<{ warnings: string[] }>(`/mcp/${part(name)}`, server, chosenScope()),
  removeMcp: (name: string) => remove(`/mcp/${part(name)}`, chosenScope()),
  testMcp: (name: string) =>
    post<Record<string, unknown>>(`/mcp/${part(name)}/test`, {}, chosenScope()),
  testAgent: (name: string) =>
    post<Record<string, unknown>>(`/agents/${part(name)}/test`, {}, chosenScope()),
  setSecret: (server: string, key: string, value: string) =>
    put(`/vault/${part(server)}/${part(key)}`, { value }, chosenScope()),
  removeSecret: (server: string, key: string) =>
    remove(`/vault/${part(server)}/${part(key)}`, chosenScope()),
};
