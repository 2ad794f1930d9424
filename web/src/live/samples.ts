// Values for tests: the least that the types ask for.

import type { ChannelPage, Message, PlanDetail, Row, Summary } from "../api/types";

export const row = (epic: string, change: Partial<Row> = {}): Row => ({
  epic,
  title: `Title of ${epic}`,
  room: `room-${epic}`,
  state: "developing",
  display: { word: "developing", detail: null, tone: "active" },
  role: "engineer",
  agent: "rehearsal",
  model: null,
  percent: 10,
  message: null,
  attempt: 1,
  active: true,
  passed: false,
  retries: 0,
  max_retries: 3,
  elapsed_seconds: 5,
  tokens: 0,
  cost_usd: null,
  last_message: null,
  depends_on: [],
  wave: 0,
  blocked_by: [],
  why: null,
  ...change,
});

export const summary = (plan_id: string, change: Partial<Summary> = {}): Summary => ({
  plan_id,
  project: "p",
  title: plan_id,
  rehearsed: true,
  at: "2026-01-01T00:00:00.000Z",
  state: "running",
  state_words: "running",
  paused: false,
  progress_percent: 0,
  engine: null,
  counts: { total: 2, passed: 0, failed: 0, running: 1, attention: 0, blocked: 0, waiting: 1 },
  tokens: 0,
  cost_usd: null,
  elapsed_seconds: 1,
  review: "none",
  running_since: null,
  wave: 0,
  waves: 2,
  why: null,
  ...change,
});

export const detail = (change: Partial<PlanDetail> = {}): PlanDetail => ({
  board: { ...summary("a"), rows: [] },
  markdown: "",
  sha256: "",
  refined: false,
  source_path: "PLAN.md",
  source_differs: false,
  revision: 1,
  imported_at: "2026-01-01T00:00:00.000Z",
  begun: true,
  config: [],
  config_problem: null,
  review: { state: "none", room: null },
  ...change,
});

export const message = (seq: number, change: Partial<Message> = {}): Message => ({
  v: 1,
  id: `msg-${seq}`,
  seq,
  ts: "2026-01-01T00:00:00.000Z",
  attempt: null,
  from: "engineer",
  to: "engine",
  type: "note",
  body: `message ${seq}`,
  ...change,
});

export const channel = (...items: Message[]): ChannelPage => ({
  items,
  next_cursor: null,
  prev_cursor: null,
  skipped_lines: 0,
  total_bytes: 0,
});
