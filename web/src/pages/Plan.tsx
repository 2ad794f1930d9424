// One plan: what stands in its way first, then the plan from all sides.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { planQuery } from "../api/queries";
import type { Board, PlanDetail } from "../api/types";
import { useHotkeys } from "../lib/hotkeys";
import { Problem, Skeleton } from "../ui/Feedback";
import { PlanControls } from "../ui/PlanControls";
import { PlanPill, Segments } from "../ui/State";
import { Tabs } from "../ui/Tabs";
import { EpicTable } from "./plan/EpicTable";
import { PlanEvents } from "./plan/PlanEvents";
import { PlanTrouble } from "./plan/PlanTrouble";
import { PlanFacts } from "./Plans";

const PlanGraph = lazy(() => import("./plan/PlanGraph"));
const PlanTimeline = lazy(() => import("./plan/PlanTimeline"));
const PlanText = lazy(() => import("./plan/PlanText"));
const PlanReview = lazy(() => import("./plan/PlanReview"));
const PlanSettings = lazy(() => import("./plan/PlanSettings"));

const route = getRouteApi("/plans/$planId");

const TABS = [
  { tab: "graph", label: "Graph" },
  { tab: "epics", label: "Epics" },
  { tab: "timeline", label: "Timeline" },
  { tab: "text", label: "Text" },
  { tab: "review", label: "Review" },
  { tab: "events", label: "Events" },
  { tab: "settings", label: "Settings" },
] as const;

type Tab = (typeof TABS)[number]["tab"];

export function Plan() {
  const { planId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const scope = { project: search.project };
  const plan = useQuery(planQuery(planId, scope));
  // A graph cannot be read on a phone: the list of epics comes first there.
  const small = window.matchMedia("(max-width: 640px)").matches;
  const tab: Tab =
    TABS.find((known) => known.tab === search.tab)?.tab ?? (small ? "epics" : "graph");
  const go = (next: Tab) =>
    void navigate({ search: (before) => ({ ...before, tab: next }), replace: true });
  useHotkeys(
    Object.fromEntries(TABS.map(({ tab: to }, index) => [String(index + 1), () => go(to)])),
  );

  if (plan.isPending) {
    return (
      <div className="page wide">
        <Skeleton lines={3} height={80} />
      </div>
    );
  }
  if (plan.error) {
    return (
      <div className="page">
        <Problem error={plan.error} retry={() => void plan.refetch()} />
      </div>
    );
  }
  const detail = plan.data;
  return (
    <div className={tab === "graph" ? "page wide fill" : "page wide"}>
      <Head board={detail.board} />
      <PlanTrouble detail={detail} scope={scope} onReview={() => go("review")} />
      <Tabs label="Views of the plan" open={tab}>
        {TABS.map(({ tab: to, label }) => (
          <Link
            key={to}
            from="/plans/$planId"
            search={(before) => ({ ...before, tab: to })}
            replace
            aria-current={to === tab ? "page" : undefined}
            data-status={to === tab ? "active" : "inactive"}
          >
            {label}
            {to === "epics" && <span className="tab-count">{detail.board.counts.total}</span>}
          </Link>
        ))}
      </Tabs>
      <Suspense fallback={<Skeleton lines={1} height={360} />}>
        <View tab={tab} detail={detail} scope={scope} />
      </Suspense>
    </div>
  );
}

function View({
  tab,
  detail,
  scope,
}: {
  tab: Tab;
  detail: PlanDetail;
  scope: { project?: string };
}) {
  const { board } = detail;
  switch (tab) {
    case "graph":
      return <PlanGraph board={board} scope={scope} />;
    case "epics":
      return <EpicTable board={board} />;
    case "timeline":
      return <PlanTimeline board={board} scope={scope} />;
    case "text":
      return <PlanText key={detail.sha256} detail={detail} scope={scope} />;
    case "review":
      return <PlanReview detail={detail} scope={scope} />;
    case "events":
      return <PlanEvents board={board} scope={scope} />;
    case "settings":
      return <PlanSettings detail={detail} scope={scope} />;
  }
}

function Head({ board }: { board: Board }) {
  return (
    <header className="stack">
      <div className="page-head">
        <div className="grow">
          <p className="crumbs">
            <Link to="/plans">Plans</Link>
            <span aria-hidden="true">/</span>
            <span className="mono clip">{board.plan_id}</span>
          </p>
          <div className="row wrap">
            <h1>{board.title}</h1>
            <PlanPill plan={board} />
            {board.rehearsed && <span className="tag">rehearsal</span>}
          </div>
        </div>
        <PlanControls plan={board} />
      </div>
      <div className="plan-bar">
        <Segments counts={board.counts} tall />
        <strong className="num">{board.progress_percent}%</strong>
      </div>
      <PlanFacts plan={board} />
    </header>
  );
}
