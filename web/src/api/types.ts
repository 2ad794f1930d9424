// The values that the server sends, as this app uses them. Names are those of the wire.

export type Tone =
  "idle" | "soon" | "active" | "trouble" | "attention" | "passed" | "failed" | "cancelled";

export type PlanState =
  "planned" | "running" | "waiting-for-person" | "stopped" | "finished" | "failed";

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

export interface Display {
  word: string;
  detail: string | null;
  tone: Tone;
}

export interface LastMessage {
  seq: number;
  ts: string;
  from: string;
  type: string;
  text: string;
}

/** One epic of a plan and its room. */
export interface Row {
  epic: string;
  title: string;
  room: string | null;
  state: string | null;
  display: Display;
  role: string | null;
  agent: string | null;
  model: string | null;
  percent: number;
  message: string | null;
  attempt: number;
  active: boolean;
  passed: boolean;
  retries: number;
  max_retries: number;
  elapsed_seconds: number | null;
  tokens: number;
  cost_usd: number | null;
  last_message: LastMessage | null;
  depends_on: string[];
  wave: number;
  blocked_by: string[];
  why: string | null;
}

export interface Counts {
  total: number;
  passed: number;
  failed: number;
  running: number;
  attention: number;
  blocked: number;
  waiting: number;
}

export interface Engine {
  run_id: string;
  pid: number;
  host: string;
  since: string;
  alive: boolean;
}

/** A plan without its epics. */
export interface Summary {
  plan_id: string;
  project: string;
  title: string;
  rehearsed: boolean;
  at: string;
  state: PlanState;
  paused: boolean;
  progress_percent: number;
  engine: Engine | null;
  counts: Counts;
  tokens: number;
  cost_usd: number | null;
  elapsed_seconds: number | null;
  archived?: boolean;
  running_since?: string | null;
  wave?: number | null;
  waves?: number | null;
  review?: ReviewState;
  /** The first cause for which it needs a person or has failed, in a sentence. */
  why?: string | null;
}

export type ReviewState = "none" | "reviewing" | "needs-approval" | "approved" | "rejected";

export interface Board extends Summary {
  rows: Row[];
}

export interface PlanDetail {
  board: Board;
  markdown: string;
  sha256: string;
  /** Whether the review wrote that text. */
  refined: boolean;
  revision: number;
  /** Whether its rooms are made. */
  begun: boolean;
  review: { state: ReviewState; room: string | null };
}

export interface DagNode {
  epic: string;
  title: string;
  room: string | null;
  state: string | null;
  display: Display;
  percent: number;
  role: string | null;
  wave: number;
  passed: boolean;
  active: boolean;
  attention: boolean;
  critical: boolean;
}

export interface DagEdge {
  from: string;
  to: string;
  critical: boolean;
}

export interface Dag {
  nodes: DagNode[];
  edges: DagEdge[];
  waves: string[][];
  critical_path: string[];
}

export interface Diagnostic {
  severity: "error" | "warning" | "info";
  code?: string;
  message: string;
  line?: number | null;
  column?: number | null;
  suggestion?: string | null;
}

export interface PlanCheck {
  diagnostics: Diagnostic[];
  dag: Dag | null;
}

export interface PlanDiff {
  awaits_approval: boolean;
  verdict: string | null;
  summary: string | null;
  room: string | null;
  from_sha256: string;
  /** What an approval names. */
  to_sha256: string;
  unified: string;
  added: string[];
  removed: string[];
  changed: string[];
}

/** One line of a plan's events. */
export interface PlanEvent {
  seq: number;
  ts: string;
  type: string;
  run_id?: string | null;
  epic?: string | null;
  room?: string | null;
  attempt?: string | null;
  from?: string | null;
  to?: string | null;
  signal?: string | null;
  result?: string | null;
  reason?: string | null;
  data?: unknown;
}

export interface TimelineAttempt {
  room: string;
  epic: string;
  id: string;
  number: number;
  role: string;
  agent: string;
  model: string | null;
  started_at: string;
  ended_at: string | null;
  outcome: string | null;
  tokens: number | null;
  cost_usd: number | null;
}

export interface RoomItem extends Row {
  project: string;
  plan_id: string;
  plan_title: string;
  last_activity_at: string | null;
}

export interface MachineState {
  name: string;
  kind: "wait" | "work" | "review" | "triage" | "decision" | "terminal";
  role: string | null;
}

export interface Transition {
  from: string;
  signal: string;
  to: string;
  guard?: string | null;
}

export interface Attempt {
  number: number;
  id: string;
  role: string;
  state: string;
  agent: string;
  model: string | null;
  started_at: string;
  ended_at: string | null;
  deadline_at: string | null;
  outcome: string | null;
  reason: string | null;
  tokens: number | null;
  cost_usd: number | null;
  rehearsed: boolean;
}

export interface AuditEntry {
  seq: number;
  ts: string;
  from: string | null;
  to: string;
  signal: string | null;
  attempt: string | null;
  actor: string;
  reason: string;
  retries: number;
  forced?: boolean;
}

export interface Question {
  message_id: string;
  kind: "question" | "approval-request";
  from?: string;
  body: string;
  options?: string[] | null;
  asked_at: string;
  until: string | null;
}

export interface Criterion {
  id: string;
  text: string;
}

export interface RoomDetail {
  row: Row;
  project: string;
  plan_id: string;
  plan_title: string;
  brief: string;
  lifecycle: {
    machine: { states: MachineState[]; transitions: Transition[] };
    current: string;
    allowed_signals: string[];
  };
  attempts: Attempt[];
  audit: AuditEntry[];
  questions: Question[];
  criteria: Criterion[];
  why: string | null;
}

export interface Verdict {
  verdict?: string;
  summary?: string;
  criteria?: { id: string; met: boolean; evidence: string; artifacts?: string[] }[];
}

export interface Message {
  id: string;
  seq: number;
  ts: string;
  attempt: string | null;
  from: string;
  to: string;
  type: string;
  ref?: string | null;
  body: string;
  /** A verdict, a list of artifacts, who answered: it depends on the type. */
  data?: unknown;
}

export interface ChannelPage {
  items: Message[];
  next_cursor: string | null;
  prev_cursor: string | null;
  total_bytes: number;
}

export interface Artifact {
  path: string;
  size_bytes: number;
  modified_at: string;
  media_type: string;
  inline: boolean;
}

/** One line of a session's transcript; which fields there are depends on `type`. */
export interface TranscriptEvent {
  seq: number;
  ts: string;
  type: string;
  text?: string | null;
  title?: string;
  id?: string;
  kind?: string;
  input?: unknown;
  output?: unknown;
  status?: string;
  diffs?: { path: string; old_text?: string | null; new_text?: string | null }[];
  duration_ms?: number | null;
  steps?: { content: string; status: string }[];
  severity?: string;
  choice?: string | null;
  decided_by?: string;
  turn?: number;
  stop_reason?: string;
  outcome?: string;
  detail?: string | null;
  agent?: string | null;
  resumed?: boolean;
  cost_usd?: number | null;
  context_used?: number | null;
  context_size?: number | null;
  tokens?: Record<string, number> | null;
}

export type InboxKind =
  "approval" | "question" | "plan-review" | "escalation" | "failed" | "budget" | "damaged";

export interface InboxItem {
  kind: InboxKind;
  project: string;
  plan_id: string;
  room?: string | null;
  epic?: string | null;
  title: string;
  body: string;
  since: string | null;
  until?: string | null;
  actions: string[];
  message_id?: string | null;
  options?: string[] | null;
}

export interface Memory {
  id: string;
  ts: string;
  kind: string;
  room_id?: string | null;
  plan_id?: string | null;
  author_role: string;
  ref?: string | null;
  tags: string[];
  summary: string;
  detail?: string | null;
  supersedes?: string | null;
  /** The memory that took its place, if one did. */
  superseded_by?: string | null;
}

/** Something that a search found. */
export interface Hit {
  project: string;
  id: string;
  kind: string;
  title: string | null;
  text: string;
  detail: string | null;
  tags: string[];
  author: string | null;
  room: string | null;
  plan_id: string | null;
  at: string | null;
  seq: number | null;
  score: number | null;
  /** How the score came about, in words. */
  why: string | null;
}

/** A memory with those that it replaced and that replaced it. */
export interface MemoryStory extends Memory {
  replaced: Memory[];
  replaced_by: Memory[];
}

export interface Setting {
  key: string;
  value: unknown;
  source: string;
  default?: unknown;
  type?: string;
  doc?: string;
}

export interface Stats {
  at: string;
  since: string;
  plans: Record<string, number>;
  epics: Counts;
  completion_percent: number | null;
  rooms: Record<string, number>;
  escalations_pending: number;
  attempts: { total: number; open: number; by_outcome: Record<string, number> };
  tokens: {
    input_tokens: number;
    output_tokens: number;
    cached_tokens: number;
    total_tokens: number;
  };
  cost_usd: number | null;
  time_by_state: Record<string, { stays: number; seconds: number }>;
  messages: Record<string, number>;
  memories: Record<string, number>;
  skipped_lines: number;
  problems: { what: string; problem: string }[];
}

/** What sessions used, by somebody or for something. */
export interface Used {
  name: string;
  attempts: number;
  tokens: number;
  cost_usd: number | null;
  seconds: number;
}

/** What happened in a part of the window. */
export interface StatsPart {
  from: string;
  attempts_ended: number;
  passed: number;
  failed: number;
}

export interface Figures extends Stats {
  by_role: Used[];
  by_model: Used[];
  by_epic: Used[];
  series: StatsPart[];
}
