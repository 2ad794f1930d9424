// Writing a plan, with what is wrong with it and what graph it makes beside it, or asking for one.

import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import * as act from "../api/actions";
import { usePlanCheck } from "../lib/usePlanCheck";
import { Dialog } from "../ui/Dialog";
import { Diagnostics } from "../ui/Diagnostics";
import { Problem, Skeleton } from "../ui/Feedback";
import { Waves } from "../ui/Waves";

const Editor = lazy(() => import("../ui/Editor"));

const START = `# Plan: A title

## Goal

What is true at the end, in a few sentences.

## EPIC-001: First result

- Roles: engineer, qa

What is to be done, and why.

### Definition of Done

- [ ] Something that can be looked at

### Acceptance Criteria

- [ ] Something that can be checked
`;

export default function NewPlan({ onClose }: { onClose: () => void }) {
  const [way, setWay] = useState<"text" | "goal">("text");
  const [markdown, setMarkdown] = useState(START);
  const [goal, setGoal] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const check = usePlanCheck(way === "text" ? markdown : "");
  const navigate = useNavigate();
  const errors = check.diagnostics.filter(({ severity }) => severity === "error").length;

  const create = async () => {
    setBusy(true);
    setError(null);
    try {
      const made = await act.plan.create(way === "text" ? { markdown } : { goal: goal.trim() });
      onClose();
      void navigate({
        to: "/plans/$planId",
        params: { planId: made.plan_id },
        search: { project: made.project },
      });
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="New plan"
      wide
      onClose={onClose}
      guard={() => markdown === START || window.confirm("Leave without creating the plan?")}
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Back
          </button>
          <button
            type="button"
            className="btn primary"
            disabled={busy || (way === "text" ? errors > 0 : !goal.trim())}
            onClick={() => void create()}
          >
            {way === "text" ? "Create" : "Draft it"}
          </button>
        </>
      }
    >
      <div
        className="choices"
        role="group"
        aria-label="How to make it"
        style={{ alignSelf: "start" }}
      >
        <button type="button" aria-pressed={way === "text"} onClick={() => setWay("text")}>
          Write it
        </button>
        <button type="button" aria-pressed={way === "goal"} onClick={() => setWay("goal")}>
          From a goal
        </button>
      </div>
      {way === "text" ? (
        <div className="edit-split">
          <Suspense fallback={<Skeleton lines={1} height={380} />}>
            <Editor
              label="The plan's text"
              language="markdown"
              value={markdown}
              onChange={setMarkdown}
              diagnostics={check.diagnostics}
            />
          </Suspense>
          <div className="stack edit-side">
            <Diagnostics found={check.diagnostics} checked={check.checked} />
            {check.dag && <Waves dag={check.dag} />}
          </div>
        </div>
      ) : (
        <div className="field">
          <label htmlFor="goal">What should be true at the end?</label>
          <textarea
            id="goal"
            className="textarea"
            rows={6}
            value={goal}
            onChange={(event) => setGoal(event.target.value)}
            placeholder="A small web shop with a cart, checkout by card and a page for orders."
          />
          <span className="hint">
            An agent drafts the plan. You read and change it before anything runs.
          </span>
        </div>
      )}
      {error !== null && <Problem error={error} />}
    </Dialog>
  );
}
