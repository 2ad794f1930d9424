// What the review of the plan says, what changes since the last run, and the decision about it.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../../api/actions";
import { diffQuery, keys, type Scope } from "../../api/queries";
import type { PlanDetail, ReviewState, Tone } from "../../api/types";
import { Confirm } from "../../ui/Confirm";
import { Diff } from "../../ui/Diff";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { RunPlan } from "../../ui/RunPlan";
import { Pill } from "../../ui/State";
import { toast } from "../../ui/Toaster";
import { ReviewWords } from "./ReviewWords";

const STATES: Record<ReviewState, { tone: Tone; word: string; text: string }> = {
  none: { tone: "idle", word: "no review", text: "This plan was not reviewed." },
  reviewing: { tone: "active", word: "reviewing", text: "A reviewer reads the plan now." },
  "needs-approval": {
    tone: "attention",
    word: "waiting for you",
    text: "Nothing runs before you approve.",
  },
  approved: { tone: "passed", word: "approved", text: "This text was approved." },
  rejected: { tone: "failed", word: "rejected", text: "This text was rejected: change it first." },
};

export default function PlanReview({ detail, scope }: { detail: PlanDetail; scope: Scope }) {
  const { review, board } = detail;
  const [over, setOver] = useState(false);
  const [starting, setStarting] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const client = useQueryClient();
  const diff = useQuery(diffQuery(board.plan_id, scope));
  const { tone, word, text } = STATES[review.state];
  const refresh = () => client.invalidateQueries({ queryKey: keys.plan(board.plan_id) });
  const approve = async () => {
    setBusy(true);
    setError(null);
    try {
      await act.plan.approve(board.plan_id, diff.data?.to_sha256, scope);
      toast({ tone: "passed", title: "Approved" });
      await refresh();
      // The review was a run of its own, which has ended: what was approved is to be run.
      if (!board.engine?.alive) setStarting(true);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  const changes = diff.data?.unified ?? "";
  const changed = (["added", "changed", "removed"] as const).flatMap((how) =>
    (diff.data?.[how] ?? []).map((epic) => `${epic} ${how}`),
  );
  return (
    <div className="stack">
      <section className="card">
        <div className="card-head">
          <h2>Review</h2>
          <Pill tone={tone}>{word}</Pill>
        </div>
        <div className="card-body stack">
          <p>{text}</p>
          {review.room && <ReviewWords room={review.room} scope={scope} />}
          {review.state === "needs-approval" && (
            <div className="actions">
              <button
                type="button"
                className="btn primary"
                disabled={busy || !diff.data}
                onClick={() => void approve()}
              >
                Approve
              </button>
              <button type="button" className="btn danger" onClick={() => setOver(true)}>
                Reject
              </button>
            </div>
          )}
          {error !== null && <Problem error={error} />}
        </div>
      </section>
      <section className="card">
        <div className="card-head">
          <h2>What the review changes</h2>
          {changed.map((text) => (
            <span key={text} className="tag">
              {text}
            </span>
          ))}
        </div>
        {diff.isPending && <Skeleton lines={2} />}
        {diff.error && <Problem error={diff.error} />}
        {changes && <Diff text={changes} />}
        {!changes && diff.isSuccess && (
          <Empty icon="check" title="Nothing changed">
            <p>The text that runs is the one that was imported.</p>
          </Empty>
        )}
      </section>
      {starting && <RunPlan plan={board} only="on" onClose={() => setStarting(false)} />}
      {over && (
        <Confirm
          title="Reject the plan?"
          text="Say what has to change. The plan does not run as it is."
          confirm="Reject"
          danger
          reason
          onConfirm={async (reason) => {
            await act.plan.reject(board.plan_id, reason, scope);
            await refresh();
          }}
          onClose={() => setOver(false)}
        />
      )}
    </div>
  );
}
