// From what the server sends to what the pages draw: parts that belong together are put together,
// and what may be missing gets the value that says so.

import type {
  Attempt,
  AuditEntry,
  Board,
  Criterion,
  Dag,
  DagNode,
  Display,
  MachineState,
  Page,
  PlanDetail,
  ReviewState,
  RoomDetail,
  RoomItem,
  Summary,
  TranscriptEvent,
  Transition,
} from "./types";

export interface WirePlan {
  project: string;
  summary: Summary;
  board: Omit<Board, "project">;
  markdown: string;
  sha256: string;
  refined: boolean;
  revision: number;
  begun: boolean;
  review: { state: ReviewState; room: string | null };
}

export function readPlan({ summary, board, ...rest }: WirePlan): PlanDetail {
  return { ...rest, board: { ...board, ...summary, rows: board.rows } };
}

export type WireDag = Omit<Dag, "nodes"> & {
  nodes: (Omit<DagNode, "display"> & { display: Display | null })[];
};

const PLANNED: Display = { word: "planned", detail: null, tone: "idle" };

export function readDag(dag: WireDag): Dag {
  return {
    ...dag,
    nodes: dag.nodes.map((node) => ({ ...node, display: node.display ?? PLANNED })),
  };
}

export interface WireRoom {
  room: RoomItem | null;
  contract: {
    task_ref: string;
    plan_id: string;
    depends_on: string[];
    assignment: { title: string; assigned_role: string };
    goals: Partial<
      Record<"definition_of_done" | "acceptance_criteria" | "quality_requirements", Criterion[]>
    >;
  };
  brief: string;
  lifecycle: {
    states: MachineState[];
    transitions: Transition[];
    current: string;
    person_signals: string[];
  };
  attempts: Attempt[];
  audit: AuditEntry[];
  questions: {
    id: string;
    asks: "answer" | "permission";
    from: string;
    text: string;
    options: string[];
    asked_at: string;
    expires_at: string;
  }[];
  counters: { retries: number; max_retries: number };
}

export function readRoom(wire: WireRoom): RoomDetail {
  const { contract, lifecycle } = wire;
  const row = wire.room ?? orphan(wire);
  const { definition_of_done, acceptance_criteria, quality_requirements } = contract.goals;
  return {
    row,
    project: row.project,
    plan_id: row.plan_id,
    plan_title: row.plan_title,
    brief: wire.brief,
    lifecycle: {
      machine: { states: lifecycle.states, transitions: lifecycle.transitions },
      current: lifecycle.current,
      allowed_signals: lifecycle.person_signals,
    },
    attempts: wire.attempts,
    audit: wire.audit,
    questions: wire.questions.map((question) => ({
      message_id: question.id,
      kind: question.asks === "permission" ? "approval-request" : "question",
      from: question.from,
      body: question.text,
      options: question.options,
      asked_at: question.asked_at,
      until: question.expires_at,
    })),
    criteria: [
      ...(definition_of_done ?? []),
      ...(acceptance_criteria ?? []),
      ...(quality_requirements ?? []),
    ],
    why: row.why,
  };
}

/** A room whose plan is gone: what its own files say. */
function orphan({ contract, lifecycle, counters, attempts }: WireRoom): RoomItem {
  const detail = "its plan is not in this project any more";
  return {
    project: "",
    plan_id: contract.plan_id,
    plan_title: contract.plan_id,
    last_activity_at: null,
    epic: contract.task_ref,
    title: contract.assignment.title,
    room: null,
    state: lifecycle.current,
    display: { word: lifecycle.current, detail, tone: "idle" },
    role: contract.assignment.assigned_role,
    agent: null,
    model: null,
    percent: 0,
    message: null,
    attempt: attempts.length,
    active: false,
    passed: lifecycle.current === "passed",
    retries: counters.retries,
    max_retries: counters.max_retries,
    elapsed_seconds: null,
    tokens: attempts.reduce((sum, { tokens }) => sum + (tokens ?? 0), 0),
    cost_usd: null,
    last_message: null,
    depends_on: contract.depends_on,
    wave: 0,
    blocked_by: [],
    why: detail,
  };
}

export interface WireTranscript {
  items: { seq: number; event: unknown }[];
  next_cursor: string | null;
  more: boolean;
}

export function readTranscript(wire: WireTranscript): Page<TranscriptEvent> & { more: boolean } {
  return {
    items: wire.items.map(({ seq, event }) => ({ ...(event as TranscriptEvent), seq })),
    next_cursor: wire.next_cursor,
    more: wire.more,
  };
}
