// The addresses of the app. Every page but the shell is loaded when it is first opened.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { Shell } from "./ui/Shell";
import { Empty, Problem } from "./ui/Feedback";

/** Which project a plan or room is of; left out when the dashboard serves only one. */
interface ProjectSearch {
  project?: string;
}

/** What stands in the address. The router reads `q=true` or `q=12` as the value that it could be. */
const text = (value: unknown): string | undefined =>
  typeof value === "string"
    ? value || undefined
    : value === undefined
      ? undefined
      : JSON.stringify(value);

const project = (search: Record<string, unknown>): ProjectSearch => ({
  project: text(search["project"]),
});

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <div className="page">
      <Empty icon="search" title="There is no such page">
        <p>The sidebar leads to every page there is.</p>
      </Empty>
    </div>
  ),
  errorComponent: ({ error }) => (
    <div className="page">
      <Problem error={error} retry={() => window.location.reload()} />
    </div>
  ),
});

const index = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/plans", replace: true });
  },
});

const plans = createRoute({
  getParentRoute: () => root,
  path: "/plans",
  component: lazyRouteComponent(() => import("./pages/Plans"), "Plans"),
});

const plan = createRoute({
  getParentRoute: () => root,
  path: "/plans/$planId",
  validateSearch: (search): ProjectSearch & { tab?: string } => ({
    ...project(search),
    tab: text(search["tab"]),
  }),
  component: lazyRouteComponent(() => import("./pages/Plan"), "Plan"),
});

const rooms = createRoute({
  getParentRoute: () => root,
  path: "/rooms",
  validateSearch: (search): { show?: string; plan?: string; sort?: string; q?: string } => ({
    show: text(search["show"]),
    plan: text(search["plan"]),
    sort: text(search["sort"]),
    q: text(search["q"]),
  }),
  component: lazyRouteComponent(() => import("./pages/Rooms"), "Rooms"),
});

const room = createRoute({
  getParentRoute: () => root,
  path: "/rooms/$roomId",
  validateSearch: (
    search,
  ): ProjectSearch & { tab?: string; attempt?: number; artifact?: string } => {
    const attempt = Number(search["attempt"]);
    return {
      ...project(search),
      tab: text(search["tab"]),
      attempt: Number.isInteger(attempt) && attempt > 0 ? attempt : undefined,
      artifact: text(search["artifact"]),
    };
  },
  component: lazyRouteComponent(() => import("./pages/Room"), "Room"),
});

const inbox = createRoute({
  getParentRoute: () => root,
  path: "/inbox",
  component: lazyRouteComponent(() => import("./pages/Inbox"), "Inbox"),
});

const memory = createRoute({
  getParentRoute: () => root,
  path: "/memory",
  validateSearch: (
    search,
  ): { q?: string; kind?: string; tag?: string; room?: string; id?: string } => ({
    q: text(search["q"]),
    kind: text(search["kind"]),
    tag: text(search["tag"]),
    room: text(search["room"]),
    id: text(search["id"]),
  }),
  component: lazyRouteComponent(() => import("./pages/Memory"), "Memory"),
});

const stats = createRoute({
  getParentRoute: () => root,
  path: "/stats",
  validateSearch: (search): { window?: string } => ({ window: text(search["window"]) }),
  component: lazyRouteComponent(() => import("./pages/Stats"), "Stats"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  validateSearch: (search): { part?: string; name?: string } => ({
    part: text(search["part"]),
    name: text(search["name"]),
  }),
  component: lazyRouteComponent(() => import("./pages/Settings"), "Settings"),
});

export function makeRouter() {
  return createRouter({
    routeTree: root.addChildren([index, plans, plan, rooms, room, inbox, memory, stats, settings]),
    defaultPreload: "intent",
    // What goes wrong in a page leaves the frame around it standing.
    defaultErrorComponent: ({ error, reset }) => (
      <div className="page">
        <Problem error={error} retry={reset} />
      </div>
    ),
    scrollRestoration: false,
  });
}
