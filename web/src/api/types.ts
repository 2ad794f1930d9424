// The values that the server sends, by the names that the pages use; the shapes are those of its own
// description. What is written out here is put together by `read.ts`, or left open there.

import type { components } from "./schema";

type Wire = components["schemas"];

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

export type Tone = Wire["Tone"];
export type PlanState = Wire["PlanState"];
export type Display = Wire["DisplayState"];
export type Counts = Wire["Counts"];
export type ReviewState = Wire["Review"];

/** One epic of a plan and its room. */
export type Row = Wire["Row"] & {
  /** When that was computed, if it was told. */
  at?: string;
};
export type RoomItem = Row &
  Pick<Wire["RoomRow"], "project" | "plan_id" | "plan_title" | "last_activity_at">;

/** A plan without its epics. */
export type Summary = Wire["PlanSummary"];

/** What a plan may use, and has used. */
export type Budget = Wire["PlanBudget"];

/** How a plan is reviewed before it runs. */
export type ReviewRule = Wire["ReviewRule"];
export type Started = Wire["Started"];

export type Board = Summary & { rows: Row[] };

export interface PlanDetail extends Omit<Wire["Plan"], "project" | "summary" | "board"> {
  board: Board;
}

export interface DagNode extends Omit<Wire["Node"], "display"> {
  display: Display;
}

export interface Dag extends Omit<Wire["Graph"], "nodes"> {
  nodes: DagNode[];
}

export interface Diagnostic extends Omit<Wire["Diagnostic"], "severity"> {
  severity: "error" | "warning" | "info";
}

export interface PlanCheck {
  diagnostics: Diagnostic[];
  dag: Dag | null;
}

export type PlanDiff = Wire["Difference"];
export type PlanEvent = Wire["Event"];
export type TimelineAttempt = Wire["TimelineAttempt"];

export type MachineState = Wire["MachineState"];
export type Transition = Wire["MachineWay"];
export type Attempt = Wire["AttemptShort"];
export type AuditEntry = Wire["AuditEntry"];
export type Criterion = Wire["Goal"];

export interface Question {
  message_id: string;
  kind: "question" | "approval-request";
  from?: string;
  body: string;
  options?: string[] | null;
  asked_at: string;
  until: string | null;
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

export type Message = Wire["Message"];
export type ChannelPage = Wire["Messages"];

export type Artifact = Wire["Artifact"];
export type ArtifactList = Wire["ArtifactList"];

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

export type InboxItem = Wire["InboxItem"];
export type InboxKind = Wire["WaitingKind"];

export type MemoryKind = Wire["Kind"];
export type Memory = Wire["Memory"];
export type MemoryStory = Wire["MemoryStory"];
export type SearchMode = Wire["Mode"];
/** Something that a search found. */
export type Hit = Wire["Hit"];

/** Where a value is set, from the weakest to the strongest. */
export type Layer = Wire["SourceKind"];
/** A value that somebody set. */
export type OwnSetting = Wire["SettingOf"];
/** A value, whoever set it, with what it means. */
export type Setting = Wire["Setting"];

export type RoleItem = Wire["RoleItem"];
export type RoleDetail = Wire["RoleStory"];
export type SkillItem = Wire["SkillItem"];
export type ServerItem = Wire["ServerItem"];
export type AgentItem = Wire["AgentItem"];
export type Secret = Wire["SecretName"];

export type Figures = Wire["Figures"];
/** What sessions used, by somebody or for something. */
export type Used = Wire["Used"];
/** What happened in a part of the window. */
export type StatsPart = Wire["Part"];
