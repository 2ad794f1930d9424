// Writing a plan, with what is wrong with it and what graph it makes beside it, or asking for one.

import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import * as act from "../api/actions";
import { chosenScope } from "../api/chosen";
import { usePlanCheck } from "../lib/usePlanCheck";
import { Dialog } from "../ui/Dialog";
import { EditSide } from "../ui/EditSide";
import { Problem, Skeleton } from "../ui/Feedback";
import { AreaField } from "../ui/Field";
import { ProjectChooser } from "../ui/OfProject";
import { useAct } from "../ui/useAct";

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
  const { busy, error, run } = useAct();
  const scope = chosenScope();
  const check = usePlanCheck(way === "text" ? markdown : "", scope);
  const navigate = useNavigate();
  const errors = check.diagnostics.filter(({ severity }) => severity === "error").length;

  const create = () =>
    run(async () => {
      const text = way === "text" ? { markdown } : { goal: goal.trim() };
      const { plan_id } = await act.plan.create(text, scope);
      onClose();
      await navigate({ to: "/plans/$planId", params: { planId: plan_id }, search: scope });
    });
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
      <div className="row wrap spread">
        <div className="choices" role="group" aria-label="How to make it">
          <button type="button" aria-pressed={way === "text"} onClick={() => setWay("text")}>
            Write it
          </button>
          <button type="button" aria-pressed={way === "goal"} onClick={() => setWay("goal")}>
            From a goal
          </button>
        </div>
        <ProjectChooser />
      </div>
      {way === "text" ? (
        <div className="edit-split">
          <Suspense fallback={<Skeleton lines={1} height={380} />}>
            <Editor
              label="The plan's text"
              language="markdown"
              initial={markdown}
              onChange={setMarkdown}
              diagnostics={check.diagnostics}
            />
          </Suspense>
          <EditSide check={check} />
        </div>
      ) : (
        <AreaField
          label="What should be true at the end?"
          hint="An agent drafts the plan. You read and change it before anything runs."
          rows={6}
          value={goal}
          onChange={setGoal}
          placeholder="A small web shop with a cart, checkout by card and a page for orders."
        />
      )}
      {error !== null && <Problem error={error} />}
    </Dialog>
  );
}
