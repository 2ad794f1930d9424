// The decision that an item asks for.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../api/actions";
import { diffQuery, keys, roomQuery } from "../api/queries";
import type { InboxItem } from "../api/types";
import { Confirm } from "../ui/Confirm";
import { Diff } from "../ui/Diff";
import { Problem, Skeleton } from "../ui/Feedback";
import { toast } from "../ui/Toaster";
import { RaiseBudget } from "./RaiseBudget";
import { Answer } from "./room/Asked";

export function InboxDecide({ item }: { item: InboxItem }) {
  const client = useQueryClient();
  const done = (title: string) => {
    toast({ tone: "passed", title });
    void client.invalidateQueries({ queryKey: keys.inbox });
  };
  if (item.kind === "question" || item.kind === "approval") {
    return <Asked item={item} onDone={() => done("Answered")} />;
  }
  if (item.kind === "plan-review") return <PlanDecision item={item} onDone={done} />;
  return <RoomDecision item={item} onDone={done} />;
}

function Asked({ item, onDone }: { item: InboxItem; onDone: () => void }) {
  const scope = { project: item.project };
  const id = item.room ?? "";
  const room = useQuery({ ...roomQuery(id, scope), enabled: id !== "" });
  if (room.isPending) return <Skeleton lines={1} />;
  if (room.error) return <Problem error={room.error} />;
  const { questions } = room.data;
  const wanted = item.kind === "approval" ? "approval-request" : "question";
  const question =
    questions.find(({ message_id }) => message_id === item.message_id) ??
    questions.find(({ kind }) => kind === wanted);
  if (!question) return <p className="quiet">It was answered in the meantime.</p>;
  return <Answer room={id} question={question} scope={scope} onDone={onDone} />;
}

interface DecisionProps {
  item: InboxItem;
  onDone: (title: string) => void;
}

function PlanDecision({ item, onDone }: DecisionProps) {
  const [rejecting, setRejecting] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const scope = { project: item.project };
  const diff = useQuery(diffQuery(item.plan_id, scope));
  const approve = async () => {
    setBusy(true);
    setError(null);
    try {
      await act.plan.approve(item.plan_id, diff.data?.to_sha256, scope);
      onDone("Plan approved: run it when you like");
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <div className="stack">
      {diff.error && <Problem error={diff.error} />}
      {diff.data?.unified && <Diff text={diff.data.unified} />}
      <div className="actions">
        <button
          type="button"
          className="btn primary"
          data-decide="approve"
          disabled={busy || !diff.data}
          onClick={() => void approve()}
        >
          Approve
        </button>
        <button
          type="button"
          className="btn danger"
          data-decide="deny"
          onClick={() => setRejecting(true)}
        >
          Reject
        </button>
      </div>
      {error !== null && <Problem error={error} />}
      {rejecting && (
        <Confirm
          title="Reject the plan?"
          text="Say what has to change. The plan does not run as it is."
          confirm="Reject"
          danger
          reason
          onConfirm={async (reason) => {
            await act.plan.reject(item.plan_id, reason, scope);
            onDone("Plan rejected");
          }}
          onClose={() => setRejecting(false)}
        />
      )}
    </div>
  );
}

const LABELS: Record<string, string> = {
  fix: "Fix",
  redesign: "Redesign",
  replan: "Replan",
  reject: "Reject",
  retry: "Retry",
  cancel: "Cancel the room",
};

function RoomDecision({ item, onDone }: DecisionProps) {
  const [verdict, setVerdict] = useState<string | null>(null);
  const [raising, setRaising] = useState(false);
  const { room } = item;
  const offered = item.actions.filter((action) => action in LABELS);
  const budget = item.actions.includes("raise-budget");
  if (!budget && (!room || offered.length === 0)) return null;
  const title = LABELS[verdict ?? ""] ?? "";
  return (
    <div className="actions">
      {budget && (
        <button
          type="button"
          className="btn primary"
          data-decide="approve"
          onClick={() => setRaising(true)}
        >
          Raise the budget
        </button>
      )}
      {raising && (
        <RaiseBudget
          item={item}
          onDone={() => onDone("The budget is raised")}
          onClose={() => setRaising(false)}
        />
      )}
      {offered.map((action, index) => (
        <button
          key={action}
          type="button"
          className={`btn${index === 0 && !budget ? " primary" : ""}${action === "reject" || action === "cancel" ? " danger" : ""}`}
          data-option={index + 1}
          onClick={() => setVerdict(action)}
        >
          {LABELS[action]}
        </button>
      ))}
      {verdict && room && (
        <Confirm
          title={`${title}?`}
          text={`${item.epic ?? room}: ${item.title}`}
          confirm={title}
          danger={verdict === "reject" || verdict === "cancel"}
          reason
          onConfirm={async (reason) => {
            await act.room.decide(room, verdict, reason, { project: item.project });
            onDone(`${title}: ${item.epic ?? room}`);
          }}
          onClose={() => setVerdict(null)}
        />
      )}
    </div>
  );
}
