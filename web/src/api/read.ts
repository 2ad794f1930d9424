// From what the server sends to what the pages draw: parts that belong together are put together,
// and what may be missing gets the value that says so.

import type { Lines } from "../lib/stretches";
import type { components } from "./schema";
import type {
  Dag,
  Diagnostic,
  Display,
  PlanCheck,
  PlanDetail,
  RoomDetail,
  RoomItem,
  TranscriptEvent,
} from "./types";

type Wire = components["schemas"];

export function readPlan({ summary, board, ...rest }: Wire["Plan"]): PlanDetail {
  const rows = board.rows.map((row) => ({ ...row, at: summary.at }));
  return { ...rest, board: { ...board, ...summary, rows } };
}

export function readCheck({ diagnostics, dag }: Wire["Checked"]): PlanCheck {
  return { diagnostics: diagnostics as Diagnostic[], dag: dag && readDag(dag) };
}

const PLANNED: Display = { word: "planned", detail: null, tone: "idle" };

export function readDag(dag: Wire["Graph"]): Dag {
  return {
    ...dag,
    nodes: dag.nodes.map((node) => ({ ...node, display: node.display ?? PLANNED })),
  };
}

export function readRoom(wire: Wire["RoomStory"]): RoomDetail {
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
function orphan({ contract, lifecycle, counters, attempts }: Wire["RoomStory"]): RoomItem {
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

export function readTranscript(wire: Wire["Transcript"]): Lines<TranscriptEvent> {
  return {
    items: wire.items.map(({ seq, event }) => ({ ...(event as TranscriptEvent), seq })),
    next_cursor: Number(wire.next_cursor),
    more: wire.more,
  };
}
