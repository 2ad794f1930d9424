// What the project is set to, and where each value comes from.

import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useShownTab } from "../lib/useShownTab";
import { Skeleton } from "../ui/Feedback";
import { ofProject, ProjectChooser } from "../ui/OfProject";

const Values = lazy(() => import("./settings/Values"));
const Roles = lazy(() => import("./settings/Roles"));
const Skills = lazy(() => import("./settings/Skills"));
const Servers = lazy(() => import("./settings/Servers"));
const Agents = lazy(() => import("./settings/Agents"));
const Vault = lazy(() => import("./settings/Vault"));

const route = getRouteApi("/settings");

const PARTS = [
  { part: "values", label: "Limits and values", view: Values },
  { part: "roles", label: "Roles", view: Roles },
  { part: "skills", label: "Skills", view: Skills },
  { part: "mcp", label: "MCP servers", view: Servers },
  { part: "agents", label: "Agents", view: Agents },
  { part: "vault", label: "Vault", view: Vault },
];

export const Settings = ofProject(function Settings() {
  const search = route.useSearch();
  const shown = PARTS.find(({ part }) => part === search.part) ?? PARTS[0];
  const nav = useShownTab(shown?.part ?? "");
  if (!shown) return null;
  const View = shown.view;
  return (
    <div className="page">
      <header className="page-head">
        <h1 className="grow">Settings</h1>
        <ProjectChooser />
      </header>
      <div className="settings">
        <nav className="card side-list settings-nav" aria-label="Settings" ref={nav}>
          {PARTS.map(({ part, label }) => (
            <Link
              key={part}
              to="/settings"
              search={{ part }}
              aria-current={part === shown.part ? "page" : undefined}
            >
              {label}
            </Link>
          ))}
        </nav>
        <Suspense fallback={<Skeleton lines={5} />}>
          <View />
        </Suspense>
      </div>
    </div>
  );
});
