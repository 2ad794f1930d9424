// j and k through a list: the focus moves, so that Enter and the screen reader follow by themselves.

import { useRef, type RefObject } from "react";
import { useHotkeys } from "./hotkeys";

/** The list's element holds items with `data-list-item`, which can be focused. */
export function useListKeys<T extends HTMLElement = HTMLUListElement>(
  count: number,
  open?: (index: number) => void,
): RefObject<T | null> {
  const list = useRef<T>(null);
  const move = (step: number) => {
    const items = [...(list.current?.querySelectorAll<HTMLElement>("[data-list-item]") ?? [])];
    if (items.length === 0) return;
    const at = items.findIndex((item) => item === document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : at + step;
    items[Math.max(0, Math.min(items.length - 1, next))]?.focus();
  };
  useHotkeys(
    {
      j: () => move(1),
      k: () => move(-1),
      ...(open && {
        l: () => {
          const items = [...(list.current?.querySelectorAll("[data-list-item]") ?? [])];
          const at = items.findIndex((item) => item === document.activeElement);
          if (at >= 0) open(at);
        },
      }),
    },
    count > 0,
  );
  return list;
}
