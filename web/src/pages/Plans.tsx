// All plans, those at work first.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { plansQuery, projectsQuery } from "../api/queries";
import type { Summary } from "../api/types";
import { compact, cost, duration, NOT_REPORTED, plural } from "../lib/format";
import { useListKeys } from "../lib/useListKeys";
import { Empty, Problem, Skeleton } from "../ui/Feedback";
import { Icon } from "../ui/Icon";
import { PlanControls } from "../ui/PlanControls";
import { PlanPill, Segments } from "../ui/State";
import { Span } from "../ui/Time";

const NewPlan = lazy(() => import("./NewPlan"));

const ORDER = ["waiting-for-person", "running", "stopped", "planned", "failed", "finished"];

const byUrgency = (a: Summary, b: Summary): number =>
  ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
  (b.engine?.since ?? "").localeCompare(a.engine?.since ?? "");

export function Plans() {
  const plans = useQuery(plansQuery);
  const projects = useQuery(projectsQuery);
  const navigate = useNavigate();
  const [creating, setCreating] = useState(false);
  const items = [...(plans.data?.items ?? [])].sort(byUrgency);
  const several = (projects.data?.items.length ?? 0) > 1;
  const list = useListKeys(items.length, (index) => {
    const plan = items[index];
    if (!plan) return;
    void navigate({
      to: "/plans/$planId",
      params: { planId: plan.plan_id },
      search: { project: plan.project },
    });
  });
  return (
    <div className="page">
      <header className="page-head">
        <div className="grow">
          <h1>Plans</h1>
          {plans.data && items.length > 0 && <p className="lead">{leadWords(items)}</p>}
        </div>
        <div className="actions">
          <button type="button" className="btn primary" onClick={() => setCreating(true)}>
            <Icon name="plus" /> New plan
          </button>
        </div>
      </header>
      {plans.isPending && <Skeleton lines={3} height={104} />}
      {plans.error && <Problem error={plans.error} retry={() => void plans.refetch()} />}
      {plans.data && items.length === 0 && (
        <div className="card">
          <Empty icon="plans" title="No plan yet">
            <p>
              A plan is a Markdown file with epics and what depends on what. Write one here, or let
              an agent draft it from a goal. On the command line:
            </p>
            <pre>ostwin run PLAN.md</pre>
            <button type="button" className="btn primary" onClick={() => setCreating(true)}>
              <Icon name="plus" /> New plan
            </button>
          </Empty>
        </div>
      )}
      <ul className="stack" ref={list}>
        {items.map((plan) => (
          <PlanItem
            key={`${plan.project}/${plan.plan_id}`}
            plan={plan}
            project={
              several
                ? projects.data?.items.find((known) => known.project === plan.project)?.name
                : undefined
            }
          />
        ))}
      </ul>
      {creating && (
        <Suspense>
          <NewPlan onClose={() => setCreating(false)} />
        </Suspense>
      )}
    </div>
  );
}

function leadWords(plans: Summary[]): string {
  const running = plans.filter((plan) => plan.state === "running").length;
  const waiting = plans.filter((plan) => plan.state === "waiting-for-person").length;
  const parts = [plural(plans.length, "plan")];
  if (running > 0) parts.push(`${running} at work`);
  if (waiting > 0) parts.push(`${waiting} waiting for you`);
  return parts.join(", ");
}

function PlanItem({ plan, project }: { plan: Summary; project: string | undefined }) {
  const { counts } = plan;
  return (
    <li className="card plan-item">
      <div className="row wrap">
        <h2 className="clip">
          <Link
            to="/plans/$planId"
            params={{ planId: plan.plan_id }}
            search={{ project: plan.project }}
            className="cover"
            data-list-item
          >
            {plan.title}
          </Link>
        </h2>
        <PlanPill plan={plan} />
        {plan.rehearsed && (
          <span className="tag" title="Scripted agents work on it instead of a model">
            rehearsal
          </span>
        )}
        {project && <span className="quiet small">{project}</span>}
        <span className="grow" />
        <PlanControls plan={plan} small />
      </div>
      <div className="plan-bar">
        <Segments counts={counts} tall />
        <strong className="num">{plan.progress_percent}%</strong>
      </div>
      <PlanFacts plan={plan} />
      {(counts.attention > 0 || counts.failed > 0) && (
        <p className="small plan-trouble">
          {counts.attention > 0 && (
            <span className="tone-attention">
              <Icon name="attention" size={14} /> {plural(counts.attention, "room")} waiting for a
              person
            </span>
          )}
          {counts.failed > 0 && (
            <span className="tone-failed">
              <Icon name="failed" size={14} /> {counts.failed} failed
              {counts.blocked > 0 && `, ${counts.blocked} blocked by that`}
            </span>
          )}
        </p>
      )}
    </li>
  );
}

/** A plan's figures in one line. */
export function PlanFacts({ plan }: { plan: Summary }) {
  const { counts, running_since } = plan;
  return (
    <dl className="facts">
      <div>
        <dt>Epics</dt>
        <dd>
          {counts.passed} of {counts.total} passed
        </dd>
      </div>
      {plan.waves ? (
        <div>
          <dt>{plan.wave === null || plan.wave === undefined ? "Waves" : "Wave"}</dt>
          <dd>
            {plan.wave === null || plan.wave === undefined
              ? plan.waves
              : `${plan.wave + 1} of ${plan.waves}`}
          </dd>
        </div>
      ) : null}
      {counts.running > 0 && (
        <div>
          <dt>Sessions</dt>
          <dd>{counts.running} running</dd>
        </div>
      )}
      <div>
        <dt>{running_since ? "Running for" : "Took"}</dt>
        <dd>{running_since ? <Span from={running_since} /> : duration(plan.elapsed_seconds)}</dd>
      </div>
      <div>
        <dt>Tokens</dt>
        <dd>{plan.tokens > 0 ? compact(plan.tokens) : "–"}</dd>
      </div>
      <div>
        <dt>Cost</dt>
        <dd>{cost(plan.cost_usd) ?? NOT_REPORTED}</dd>
      </div>
    </dl>
  );
}
