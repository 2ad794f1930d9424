// Which project the pages are about that show only one: memory, stats, settings. A plan's and a
// room's page say it in their address.

import type { Scope } from "./queries";

let chosen: string | undefined;
const listeners = new Set<() => void>();

export const chosenProject = (): string | undefined => chosen;

export function chooseProject(project: string | undefined): void {
  chosen = project;
  for (const listener of listeners) listener();
}

export function onChosen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** For a request that is about one project; empty where there is but one. */
export const chosenScope = (): Scope => (chosen ? { project: chosen } : {});
