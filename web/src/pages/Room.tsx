// One room: what it waits for, what is said in it, who worked, what came out.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { roomQuery, type Scope } from "../api/queries";
import type { RoomDetail } from "../api/types";
import { compact, cost, NOT_REPORTED } from "../lib/format";
import { useHotkeys } from "../lib/hotkeys";
import { useProject } from "../lib/project";
import { Banner, Problem, Skeleton } from "../ui/Feedback";
import { Markdown } from "../ui/Markdown";
import { Role } from "../ui/Role";
import { Bar, RoomState } from "../ui/State";
import { Tabs } from "../ui/Tabs";
import { Elapsed } from "../ui/Time";
import { Asked } from "./room/Asked";
import { Audit } from "./room/Audit";
import { Channel } from "./room/Channel";
import { RoomActions } from "./room/RoomActions";

const Sessions = lazy(() => import("./room/Sessions"));
const Artifacts = lazy(() => import("./room/Artifacts"));
const Lifecycle = lazy(() => import("./room/Lifecycle"));

const route = getRouteApi("/rooms/$roomId");

const TABS = [
  { tab: "channel", label: "Channel" },
  { tab: "sessions", label: "Sessions" },
  { tab: "artifacts", label: "Artifacts" },
  { tab: "brief", label: "Brief" },
  { tab: "lifecycle", label: "Lifecycle" },
  { tab: "audit", label: "Audit" },
] as const;

type Tab = (typeof TABS)[number]["tab"];

/** What scrolls in a box of its own, which is as high as the window lets it be. */
const FILLING: Tab[] = ["channel", "sessions"];

export function Room() {
  const { roomId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const scope = { project: search.project };
  const room = useQuery(roomQuery(roomId, scope));
  const tab: Tab = TABS.find((known) => known.tab === search.tab)?.tab ?? "channel";
  useHotkeys(
    Object.fromEntries(
      TABS.map(({ tab: to }, index) => [
        String(index + 1),
        () => void navigate({ search: { project: search.project, tab: to }, replace: true }),
      ]),
    ),
  );
  if (room.isPending) {
    return (
      <div className="page wide">
        <Skeleton lines={3} height={80} />
      </div>
    );
  }
  if (room.error) {
    return (
      <div className="page">
        <Problem error={room.error} retry={() => void room.refetch()} />
      </div>
    );
  }
  const detail = room.data;
  return (
    <div className={FILLING.includes(tab) ? "page wide fill" : "page wide"}>
      <Head id={roomId} detail={detail} scope={scope} />
      <Why detail={detail} />
      <Asked room={roomId} questions={detail.questions} scope={scope} />
      <Tabs label="Views of the room" open={tab}>
        {TABS.map(({ tab: to, label }) => (
          <Link
            key={to}
            from="/rooms/$roomId"
            search={{ project: search.project, tab: to }}
            replace
            aria-current={to === tab ? "page" : undefined}
            data-status={to === tab ? "active" : "inactive"}
          >
            {label}
            {to === "sessions" && detail.attempts.length > 0 && (
              <span className="tab-count">{detail.attempts.length}</span>
            )}
          </Link>
        ))}
      </Tabs>
      <Suspense fallback={<Skeleton lines={1} height={320} />}>
        <View tab={tab} id={roomId} detail={detail} scope={scope} />
      </Suspense>
    </div>
  );
}

interface ViewProps {
  tab: Tab;
  id: string;
  detail: RoomDetail;
  scope: Scope;
}

function View({ tab, id, detail, scope }: ViewProps) {
  const { attempt, artifact } = route.useSearch();
  switch (tab) {
    case "channel":
      return <Channel key={id} room={id} detail={detail} scope={scope} />;
    case "sessions":
      return <Sessions room={id} attempts={detail.attempts} chosen={attempt} scope={scope} />;
    case "artifacts":
      return <Artifacts room={id} chosen={artifact} scope={scope} />;
    case "brief":
      return <Brief detail={detail} />;
    case "lifecycle":
      return <Lifecycle detail={detail} />;
    case "audit":
      return <Audit entries={detail.audit} />;
  }
}

function Head({ id, detail, scope }: { id: string; detail: RoomDetail; scope: Scope }) {
  const { row } = detail;
  const { choose } = useProject();
  return (
    <header className="stack">
      <div className="page-head">
        <div className="grow">
          <p className="crumbs">
            <Link
              to="/plans/$planId"
              params={{ planId: detail.plan_id }}
              search={scope}
              className="clip"
            >
              {detail.plan_title}
            </Link>
            <span aria-hidden="true">/</span>
            <span className="mono">{id}</span>
          </p>
          <div className="row wrap">
            <h1>
              <span className="quiet">{row.epic}</span> {row.title}
            </h1>
            <RoomState display={row.display} />
          </div>
        </div>
        <RoomActions room={id} detail={detail} scope={scope} />
      </div>
      <div className="room-facts">
        <Role role={row.role} />
        <div className="room-bar">
          <Bar percent={row.percent} tone={row.display.tone} label="Progress" />
          <span className="num small">{row.percent}%</span>
        </div>
        {row.message && <span className="small quiet clip room-message">{row.message}</span>}
        <dl className="facts">
          <div>
            <dt>Retries</dt>
            <dd>
              {row.retries} of {row.max_retries}
            </dd>
          </div>
          <div>
            <dt>Time</dt>
            <dd>
              <Elapsed row={row} />
            </dd>
          </div>
          <div>
            <dt>Tokens</dt>
            <dd>{row.tokens > 0 ? compact(row.tokens) : "–"}</dd>
          </div>
          <div>
            <dt>Cost</dt>
            <dd>{cost(row.cost_usd) ?? NOT_REPORTED}</dd>
          </div>
          <div>
            <dt>Memory</dt>
            <dd>
              <Link to="/memory" search={{ room: id }} onClick={() => choose(detail.project)}>
                what it wrote down
              </Link>
            </dd>
          </div>
        </dl>
      </div>
    </header>
  );
}

function Why({ detail }: { detail: RoomDetail }) {
  const { row, why } = detail;
  const { tone, word, detail: more } = row.display;
  if (detail.questions.length > 0 || !["attention", "failed", "trouble"].includes(tone))
    return null;
  return (
    <Banner tone={tone}>
      <p>
        <strong>{word}.</strong> {why ?? more ?? ""}
      </p>
    </Banner>
  );
}

function Brief({ detail }: { detail: RoomDetail }) {
  return (
    <div className="brief">
      <div className="card card-body reading">
        <Markdown source={detail.brief} />
      </div>
      <section className="card criteria">
        <div className="card-head">
          <h2>Criteria</h2>
        </div>
        <ul className="card-body stack">
          {detail.criteria.map(({ id, text }) => (
            <li key={id}>
              <span className="mono quiet small">{id}</span>
              <p>{text}</p>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
