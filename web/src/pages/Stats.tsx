// The project in figures.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { statsQuery } from "../api/queries";
import type { Figures, Used } from "../api/types";
import { compact, cost, duration, NOT_REPORTED, plural, UNKNOWN, words } from "../lib/format";
import { outcomeTone } from "../lib/outcome";
import { Empty, Problem, Skeleton } from "../ui/Feedback";
import { Icon } from "../ui/Icon";
import { ofProject, ProjectChooser } from "../ui/OfProject";
import { Segments } from "../ui/State";
import { Ago } from "../ui/Time";
import { Series } from "../ui/Series";
import { Tally } from "../ui/Tally";

const route = getRouteApi("/stats");

const WINDOWS = [
  { window: "1h", label: "Last hour" },
  { window: "24h", label: "Last day" },
  { window: "7d", label: "Last week" },
  { window: "all", label: "Ever" },
];

export const Stats = ofProject(function Stats() {
  const { window: chosen = "24h" } = route.useSearch();
  const navigate = route.useNavigate();
  const stats = useQuery({ ...statsQuery(chosen), placeholderData: keepPreviousData });
  return (
    <div className="page">
      <header className="page-head">
        <div className="grow">
          <h1>Stats</h1>
          {stats.data && (
            <p className="lead">
              As of <Ago ts={stats.data.at} />
            </p>
          )}
        </div>
        <div className="actions">
          <ProjectChooser />
          <div className="choices" role="group" aria-label="Window">
            {WINDOWS.map(({ window, label }) => (
              <button
                key={window}
                type="button"
                aria-pressed={window === chosen}
                onClick={() => void navigate({ search: { window }, replace: true })}
              >
                {label}
              </button>
            ))}
          </div>
          <button type="button" className="btn" onClick={() => void stats.refetch()}>
            Count again
          </button>
        </div>
      </header>
      {stats.isPending && <Skeleton lines={3} height={110} />}
      {stats.error && <Problem error={stats.error} retry={() => void stats.refetch()} />}
      {stats.data && <Parts figures={stats.data} />}
    </div>
  );
});

function Parts({ figures: stats }: { figures: Figures }) {
  const { by_role, by_model, by_epic, series } = stats;
  const { epics, attempts, tokens } = stats;
  if (epics.total === 0 && attempts.total === 0) {
    return (
      <div className="card">
        <Empty icon="stats" title="Nothing to count yet">
          <p>Figures appear as soon as a plan is in this project.</p>
        </Empty>
      </div>
    );
  }
  return (
    <>
      <section className="card card-body stack">
        <div className="row wrap spread">
          <h2>{plural(epics.total, "epic")}</h2>
          <strong className="num">
            {stats.completion_percent === null ? "–" : `${stats.completion_percent}% done`}
          </strong>
        </div>
        <Segments counts={epics} tall />
        <dl className="figures">
          <Figure name="Passed" value={String(epics.passed)} />
          <Figure name="Running" value={String(epics.running)} />
          <Figure name="Waiting for a person" value={String(stats.escalations_pending)} />
          <Figure name="Failed" value={String(epics.failed)} />
          <Figure name="Sessions" value={String(attempts.total)} more={`${attempts.open} open`} />
          <Figure
            name="Tokens"
            value={tokens.total_tokens > 0 ? compact(tokens.total_tokens) : "–"}
            more={
              tokens.total_tokens > 0
                ? `${compact(tokens.input_tokens)} in, ${compact(tokens.output_tokens)} out`
                : NOT_REPORTED
            }
          />
          <Figure
            name="Cost"
            value={cost(stats.cost_usd) ?? UNKNOWN}
            more={cost(stats.cost_usd) === null ? NOT_REPORTED : undefined}
          />
        </dl>
      </section>
      <Series parts={series} />
      <div className="stat-grid">
        <UsedBy title="Tokens by role" used={by_role} />
        <UsedBy title="Tokens by model" used={by_model} />
        <UsedBy title="Tokens by epic" used={by_epic} />
        <Tally
          title="Sessions by outcome"
          unit="session"
          items={Object.entries(attempts.by_outcome).map(([name, count]) => ({
            name,
            label: words(name),
            value: count,
            tone: outcomeTone({ outcome: name }),
          }))}
          empty="No session ended in this window."
        />
        <Tally
          title="Time in each state"
          items={Object.entries(stats.time_by_state).map(([name, { seconds, stays }]) => ({
            name,
            label: words(name),
            value: seconds,
            text: `${duration(seconds)}, ${plural(stays, "stay")}`,
          }))}
          empty="No room was in a state in this window."
        />
        <Tally
          title="Messages by type"
          unit="message"
          items={Object.entries(stats.messages).map(([name, count]) => ({
            name,
            label: words(name),
            value: count,
          }))}
          empty="Nobody said anything in this window."
        />
        <Tally
          title="Rooms by state, now"
          unit="room"
          items={Object.entries(stats.rooms).map(([name, count]) => ({
            name,
            label: words(name),
            value: count,
          }))}
          empty="There is no room."
        />
        <Tally
          title="Memories by kind"
          unit="memory"
          units="memories"
          items={Object.entries(stats.memories).map(([name, count]) => ({
            name,
            label: name,
            value: count,
          }))}
          empty="Nothing was published in this window."
        />
      </div>
      {(stats.problems.length > 0 || stats.skipped_lines > 0) && (
        <section className="card card-body stack tone-trouble">
          <h2 className="row">
            <Icon name="trouble" /> What is not in these figures
          </h2>
          {stats.skipped_lines > 0 && (
            <p>{plural(stats.skipped_lines, "line")} could not be read.</p>
          )}
          <ul className="stack">
            {stats.problems.map(({ what, problem }) => (
              <li key={what + problem}>
                <span className="mono">{what}</span> {problem}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function UsedBy({ title, used }: { title: string; used: Used[] }) {
  return (
    <Tally
      title={title}
      items={used.map(({ name, tokens, cost_usd, attempts }) => ({
        name,
        label: name,
        value: tokens,
        text: [
          tokens > 0 ? compact(tokens) : NOT_REPORTED,
          cost(cost_usd),
          plural(attempts, "session"),
        ]
          .filter(Boolean)
          .join(", "),
      }))}
      empty="No session worked in this window."
    />
  );
}

function Figure({ name, value, more }: { name: string; value: string; more?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        {more && <span className="small quiet"> {more}</span>}
      </dd>
    </div>
  );
}
