// The views of a page, in a row.

import type { ReactNode } from "react";
import { useShownTab } from "../lib/useShownTab";

interface Props {
  label: string;
  /** Which one is open. */
  open: string;
  children: ReactNode;
}

export function Tabs({ label, open, children }: Props) {
  const row = useShownTab(open);
  return (
    <nav className="tabs" aria-label={label} ref={row}>
      {children}
    </nav>
  );
}
