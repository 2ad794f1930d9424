// The project that a page shows which shows only one.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { chooseProject, chosenProject, onChosen } from "../api/chosen";
import { projectsQuery } from "../api/queries";

/** What is cached of one project without its name in the key. */
const ABOUT_ONE = ["memories", "stats", "config", "roles", "skills", "mcp", "agents", "vault"];

interface Chosen {
  /** Whether it is known which project is meant; nothing can be asked before. */
  ready: boolean;
  project: string | undefined;
  /** Those to choose from; none where there is but one. */
  projects: { project: string; name: string }[];
  choose: (project: string) => void;
}

/** The project that was chosen; the first one as long as nobody chose. */
export function useProject(): Chosen {
  const client = useQueryClient();
  const known = useQuery(projectsQuery);
  const project = useSyncExternalStore(onChosen, chosenProject);
  const all = known.data?.items ?? [];
  const projects = all.length > 1 ? all : [];
  const first = projects[0]?.project;
  const valid = projects.length === 0 || projects.some((each) => each.project === project);
  useEffect(() => {
    if (!valid) chooseProject(first);
  }, [valid, first]);
  return {
    // Where the projects cannot be read the page itself says why.
    ready: !known.isPending && valid,
    project,
    projects,
    choose: (next) => {
      if (projects.length === 0 || next === project) return;
      client.removeQueries({ predicate: ({ queryKey: [key] }) => ABOUT_ONE.includes(String(key)) });
      chooseProject(next);
    },
  };
}
