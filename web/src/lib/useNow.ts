// The time, for figures that grow while one looks. Nothing is asked of the server for it.

import { useSyncExternalStore } from "react";

let now = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

function tick(): void {
  now = Date.now();
  for (const each of listeners) each();
}

/** Runs while somebody looks, and while there is something to look at. */
function run(): void {
  const wanted = listeners.size > 0 && !document.hidden;
  if (wanted && !timer) {
    timer = setInterval(tick, 1_000);
  } else if (!wanted && timer) {
    clearInterval(timer);
    timer = null;
  }
}

function onVisible(): void {
  run();
  if (!document.hidden) tick();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    document.addEventListener("visibilitychange", onVisible);
    // Nobody has kept it.
    now = Date.now();
  }
  listeners.add(listener);
  run();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) document.removeEventListener("visibilitychange", onVisible);
    run();
  };
}

const rest = () => () => undefined;

/**
 * What `read` makes of the time in milliseconds, each second while what is shown grows. Words and
 * numbers that say the same as a second ago are not drawn again.
 */
export const useOverTime = <T extends string | number>(read: (now: number) => T, grows = true): T =>
  useSyncExternalStore(grows ? subscribe : rest, () => read(now));

/** The time in milliseconds, new each second while what is shown grows. */
export const useNow = (grows = true): number => useOverTime((time) => time, grows);
