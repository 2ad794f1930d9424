// How a plan is run: who works, how many at once, who looks at the plan first.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../api/actions";
import { get } from "../api/client";
import type { Page, Summary } from "../api/types";
import { Dialog } from "./Dialog";
import { Problem } from "./Feedback";

interface AgentItem {
  name: string;
  found: boolean;
}

export function RunPlan({ plan, onClose }: { plan: Summary; onClose: () => void }) {
  const agents = useQuery({
    queryKey: ["agents", "of", plan.project],
    queryFn: () => get<Page<AgentItem>>("/agents", { project: plan.project }),
  });
  const [agent, setAgent] = useState(plan.rehearsed ? "rehearsal" : "");
  const [model, setModel] = useState("");
  const [rooms, setRooms] = useState("");
  const [review, setReview] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const start = async () => {
    setBusy(true);
    setError(null);
    try {
      await act.plan.run(
        plan.plan_id,
        {
          agent: agent || undefined,
          model: model.trim() || undefined,
          max_rooms: Number(rooms) > 0 ? Number(rooms) : undefined,
          review: review || undefined,
        },
        { project: plan.project },
      );
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Run “${plan.title}”`}
      onClose={onClose}
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Back
          </button>
          <button type="submit" form="run-plan" className="btn primary" disabled={busy}>
            {busy ? "Starting" : "Run"}
          </button>
        </>
      }
    >
      <form
        id="run-plan"
        className="form-grid"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div className="field">
          <label htmlFor="run-agent">Agent</label>
          <select
            id="run-agent"
            className="input"
            value={agent}
            onChange={(event) => setAgent(event.target.value)}
          >
            <option value="">As the project says</option>
            {agents.data?.items.map(({ name, found }) => (
              <option key={name} value={name}>
                {!found ? `${name} (not on this machine)` : name}
              </option>
            ))}
            {!agents.data?.items.some(({ name }) => name === "rehearsal") && (
              <option value="rehearsal">rehearsal</option>
            )}
          </select>
          <span className="hint">`rehearsal` follows a script: no model, no key, no cost.</span>
        </div>
        <div className="field">
          <label htmlFor="run-review">Review of the plan</label>
          <select
            id="run-review"
            className="input"
            value={review}
            onChange={(event) => setReview(event.target.value)}
          >
            <option value="">As the project says</option>
            <option value="off">off: begin at once</option>
            <option value="auto">auto: an agent reviews it first</option>
            <option value="human">human: you approve it first</option>
          </select>
        </div>
        <div className="field">
          <label htmlFor="run-model">Model</label>
          <input
            id="run-model"
            className="input"
            placeholder="as the agent chooses"
            value={model}
            onChange={(event) => setModel(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor="run-rooms">Sessions at once</label>
          <input
            id="run-rooms"
            className="input"
            type="number"
            min={1}
            placeholder="as the project says"
            value={rooms}
            onChange={(event) => setRooms(event.target.value)}
          />
        </div>
      </form>
      <p className="small quiet">
        The engine runs as a process of its own: it goes on when this page or the dashboard is
        closed.
      </p>
      {error !== null && <Problem error={error} />}
    </Dialog>
  );
}
