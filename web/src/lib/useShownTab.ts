// A row of tabs that is wider than the screen shows the one that is open.

import { useEffect, useRef, type RefObject } from "react";

export function useShownTab<T extends HTMLElement = HTMLElement>(
  open: string,
): RefObject<T | null> {
  const row = useRef<T>(null);
  useEffect(() => {
    const tab = row.current?.querySelector<HTMLElement>('[aria-current="page"]');
    if (!row.current || !tab) return;
    // Only the row moves, never the page.
    row.current.scrollLeft = tab.offsetLeft - (row.current.clientWidth - tab.clientWidth) / 2;
  }, [open]);
  return row;
}
