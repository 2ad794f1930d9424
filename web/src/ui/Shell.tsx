// The frame around every page: where one can go, what waits for a person, how the connection stands.

import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { inboxQuery, plansQuery } from "../api/queries";
import { LiveProvider, useConnection } from "../live/LiveProvider";
import { useHotkeys } from "../lib/hotkeys";
import { useProject } from "../lib/project";
import { setTheme, useTheme } from "../lib/theme";
import { Help } from "./Help";
import { Icon, type IconName } from "./Icon";
import { Palette } from "./Palette";
import { planWords, StateIcon } from "./State";
import { Toaster } from "./Toaster";

const PAGES = [
  { to: "/plans", label: "Plans", icon: "plans" },
  { to: "/rooms", label: "Rooms", icon: "rooms" },
  { to: "/inbox", label: "Inbox", icon: "inbox" },
  { to: "/memory", label: "Memory", icon: "memory" },
  { to: "/stats", label: "Stats", icon: "stats" },
  { to: "/settings", label: "Settings", icon: "settings" },
] as const satisfies { to: string; label: string; icon: IconName }[];

export function Shell() {
  return (
    <LiveProvider>
      <Frame />
    </LiveProvider>
  );
}

function Frame() {
  const [over, setOver] = useState<"palette" | "help" | null>(null);
  const navigate = useNavigate();
  // Whatever shows one project has one to show, whichever page is opened first.
  useProject();
  const to = (path: string) => () => void navigate({ to: path });
  useHotkeys({
    "mod+k": () => setOver("palette"),
    "/": () => setOver("palette"),
    "?": () => setOver("help"),
    "g p": to("/plans"),
    "g r": to("/rooms"),
    "g i": to("/inbox"),
    "g m": to("/memory"),
    "g t": to("/stats"),
    "g s": to("/settings"),
  });
  const close = () => setOver(null);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Side onFind={() => setOver("palette")} onHelp={() => setOver("help")} />
      <PageFrame onFind={() => setOver("palette")} />
      {over === "palette" && <Palette onClose={close} />}
      {over === "help" && <Help onClose={close} />}
      <Toaster />
    </div>
  );
}

function PageFrame({ onFind }: { onFind: () => void }) {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    // A new page begins at its top, for the eye and for the keyboard.
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return (
    <main id="main" className="main" ref={main} tabIndex={-1}>
      <div className="top-phone only-phone">
        <Brand />
        <ConnectionNote short />
        <ThemeButton />
        <button type="button" className="btn plain icon" aria-label="Find" onClick={onFind}>
          <Icon name="search" />
        </button>
      </div>
      <Outlet />
    </main>
  );
}

function Brand() {
  return (
    <Link to="/plans" className="brand" aria-label="OSTwin, to the plans">
      <svg
        width="26"
        height="18"
        viewBox="0 0 26 18"
        fill="none"
        strokeWidth="2.4"
        aria-hidden="true"
      >
        <circle cx="9" cy="9" r="7" />
        <circle cx="17" cy="9" r="7" />
      </svg>
      OSTwin
    </Link>
  );
}

function Side({ onFind, onHelp }: { onFind: () => void; onHelp: () => void }) {
  const inbox = useQuery(inboxQuery);
  const waiting = inbox.data?.items.length ?? 0;
  useEffect(() => {
    document.title = waiting > 0 ? `(${waiting}) OSTwin` : "OSTwin";
  }, [waiting]);
  return (
    <nav className="side" aria-label="Main">
      <Brand />
      <button type="button" className="find" onClick={onFind}>
        <Icon name="search" size={14} />
        <span>Find</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="nav">
        {PAGES.map((page) => (
          <Link key={page.to} to={page.to} activeProps={{ "aria-current": "page" }}>
            <Icon name={page.icon} size={17} />
            <span>{page.label}</span>
            {page.to === "/inbox" && waiting > 0 && (
              <span className="nav-badge">
                {waiting}
                <span className="visually-hidden"> waiting for a decision</span>
              </span>
            )}
          </Link>
        ))}
      </div>
      <RunningPlans />
      <div className="side-foot">
        <ConnectionNote />
        <ThemeButton />
        <button type="button" className="btn plain icon s" aria-label="Keys (?)" onClick={onHelp}>
          <Icon name="help" />
        </button>
      </div>
    </nav>
  );
}

function RunningPlans() {
  const plans = useQuery(plansQuery);
  const open = (plans.data?.items ?? []).filter(
    (plan) => plan.state === "running" || plan.state === "waiting-for-person",
  );
  if (open.length === 0) return null;
  return (
    <div className="side-plans">
      <h2>At work</h2>
      {open.slice(0, 6).map((plan) => (
        <Link
          key={`${plan.project}/${plan.plan_id}`}
          to="/plans/$planId"
          params={{ planId: plan.plan_id }}
          search={{ project: plan.project }}
        >
          <StateIcon tone={planWords(plan).tone} label={planWords(plan).word} size={14} />
          <span className="clip">{plan.title}</span>
          <span className="num quiet small">{plan.progress_percent}%</span>
        </Link>
      ))}
    </div>
  );
}

const CONNECTION = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
} as const;

function ConnectionNote({ short = false }: { short?: boolean }) {
  const state = useConnection();
  if (short && state === "live") return null;
  return (
    <span className="connection" data-state={state} role="status">
      <i />
      <span className="clip">{CONNECTION[state]}</span>
    </span>
  );
}

function ThemeButton() {
  const chosen = useTheme();
  const dark =
    chosen === "dark" ||
    (chosen === "system" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  const next = dark ? "light" : "dark";
  return (
    <button
      type="button"
      className="btn plain icon s"
      aria-label={`Switch to the ${next} theme`}
      onClick={() => setTheme(next)}
    >
      <Icon name={dark ? "sun" : "moon"} />
    </button>
  );
}
