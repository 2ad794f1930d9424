// Keys that work anywhere on a page, but never while a person types.

import { useEffect, useRef } from "react";

export type Hotkeys = Record<string, (event: KeyboardEvent) => void>;

/** Whether a key pressed there is text. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) ||
    target.shadowRoot !== null
  );
}

/** The key's name: `j`, `?`, `Enter`, `mod+k`. */
export function keyName(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey ? "mod+" : "";
  return mod + (event.key.length === 1 && mod ? event.key.toLowerCase() : event.key);
}

/** How long after the first key of a pair the second one counts. */
const PAIR_MS = 1_500;

/**
 * Listens while the component is shown. Keys with `mod+` work in text fields too; a pair such as
 * `g p` is one key after the other.
 */
export function useHotkeys(keys: Hotkeys, enabled = true): void {
  const current = useRef(keys);
  useEffect(() => {
    current.current = keys;
  });
  useEffect(() => {
    if (!enabled) return;
    let first = { key: "", at: 0 };
    const listener = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return;
      const name = keyName(event);
      const pair = event.timeStamp - first.at < PAIR_MS ? `${first.key} ${name}` : "";
      first = { key: name, at: event.timeStamp };
      const action = current.current[pair] ?? current.current[name];
      if (!action) return;
      if (!name.startsWith("mod+")) {
        if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
      }
      event.preventDefault();
      action(event);
    };
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, [enabled]);
}
