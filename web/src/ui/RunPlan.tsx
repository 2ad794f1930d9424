// How a plan is to be run: from where, by which text, and what differs from its settings this time.

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import * as act from "../api/actions";
import { get } from "../api/client";
import { planQuery } from "../api/queries";
import type { AgentItem, Page, PlanDetail, ReviewRule, Summary } from "../api/types";
import { hasNewText, isReviewDue, ways, type Way } from "../lib/ways";
import { BegunChoice } from "./BegunChoice";
import { Choice } from "./Choice";
import { Problem, Skeleton } from "./Feedback";
import { SelectField, TextField } from "./Field";
import { FormDialog } from "./FormDialog";
import { Ticks } from "./Ticks";

interface Props {
  plan: Summary;
  /** The one thing that is meant; without it whatever has a meaning is offered. */
  only?: Way;
  onClose: () => void;
}

export function RunPlan({ plan, only, onClose }: Props) {
  const { plan_id, project, title } = plan;
  const scope = { project };
  // Whether its file was edited is known only at the moment of asking.
  const found = useQuery({ ...planQuery(plan_id, scope), staleTime: 0 });
  const detail = found.isFetchedAfterMount ? found.data : undefined;
  const agents = useQuery({
    queryKey: ["agents", project],
    queryFn: () => get<Page<AgentItem>>("/agents", scope),
  });
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<Way | null>(null);
  const [begun, setBegun] = useState<act.Begun | null>(null);
  const [agent, setAgent] = useState("");
  const [model, setModel] = useState("");
  const [rooms, setRooms] = useState("");
  const [review, setReview] = useState<ReviewRule | "">("");
  const open = detail && (only ? [only] : ways(detail));
  const way = chosen ?? open?.[0];
  const asksBegun = way === "file" && detail?.begun === true;
  const asksReview = detail && way && isReviewDue(detail, way);
  const start = async () => {
    const { plan_id: started } = await act.plan.run(
      plan_id,
      {
        resume: way === "file" || undefined,
        begun: (asksBegun && begun) || undefined,
        new: way === "new" || undefined,
        agent: agent || undefined,
        model: model.trim() || undefined,
        max_rooms: Number(rooms) > 0 ? Number(rooms) : undefined,
        review: (asksReview && review) || undefined,
      },
      scope,
    );
    if (started === plan_id) return;
    await navigate({
      to: "/plans/$planId",
      params: { planId: started },
      search: { project },
    });
  };
  return (
    <FormDialog
      title={`Run “${title}”`}
      confirm={plan.state === "planned" ? "Run" : way === "new" ? "Run again" : "Go on"}
      meanwhile="Starting"
      ready={way !== undefined && !(asksBegun && begun === null)}
      onSubmit={start}
      onClose={onClose}
    >
      {found.error && <Problem error={found.error} retry={() => void found.refetch()} />}
      {!detail && !found.error && plan.state !== "planned" && <Skeleton lines={1} height={80} />}
      {detail && open && way && <Ways {...{ detail, open, way }} onChange={setChosen} />}
      {asksBegun && <BegunChoice value={begun} onChange={setBegun} />}
      <div className="form-grid">
        <SelectField
          label="Agent"
          hint={<Ticks text="`rehearsal` follows a script: no model, no key, no cost." />}
          value={agent}
          onChange={setAgent}
        >
          <option value="">As the settings say</option>
          {agents.data?.items.map(({ name, default: is_default }) => (
            <option key={name} value={name}>
              {name}
              {is_default ? " (default)" : ""}
            </option>
          ))}
        </SelectField>
        <TextField
          label="Model"
          code
          value={model}
          placeholder="As the settings say"
          onChange={setModel}
        />
        {asksReview && (
          <SelectField label="Review of the plan" value={review} onChange={setReview}>
            <option value="">As the settings say</option>
            <option value="off">off: start at once</option>
            <option value="auto">auto: a reviewer decides</option>
            <option value="human">human: wait for your approval</option>
          </SelectField>
        )}
        <TextField
          label="Most rooms at once"
          type="number"
          min={1}
          max={1000}
          value={rooms}
          placeholder="As the settings say"
          onChange={setRooms}
        />
      </div>
      <p className="small quiet">
        The engine runs as a process of its own: it goes on when this page or the dashboard is
        closed.
      </p>
    </FormDialog>
  );
}

interface WaysProps {
  detail: PlanDetail;
  open: Way[];
  way: Way;
  onChange: (way: Way) => void;
}

const AGAIN = "As a new plan with rooms of its own. This plan and its rooms stay as they are.";

function Ways({ detail, open, way, onChange }: WaysProps) {
  if (open.length === 1) return way === "new" ? <p>{AGAIN}</p> : null;
  const words: Record<Way, { label: string; hint: ReactNode }> = {
    on:
      detail.board.state === "planned"
        ? { label: "Run it as it is", hint: "By the text that this page shows." }
        : {
            label: "Go on",
            hint: hasNewText(detail)
              ? "By the text that was saved since the last run."
              : "Each room goes on where it stopped.",
          },
    file: {
      label: "Take the text of its file first",
      hint: (
        <>
          <code>{detail.source_path}</code> has another text than the plan.
        </>
      ),
    },
    new: { label: "Run again from the beginning", hint: AGAIN },
  };
  return (
    <Choice
      legend="What to do"
      options={open.map((value) => ({ value, ...words[value] }))}
      value={way}
      onChange={onChange}
    />
  );
}
