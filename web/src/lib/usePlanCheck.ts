// Diagnostics of a plan's text while it is written: asked for when typing rests.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import * as act from "../api/actions";
import type { Scope } from "../api/queries";
import type { Dag, Diagnostic } from "../api/types";

const NONE: Diagnostic[] = [];

export function usePlanCheck(
  markdown: string,
  scope: Scope,
): {
  diagnostics: Diagnostic[];
  dag: Dag | null;
  checked: boolean;
} {
  const [settled, setSettled] = useState(markdown);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(markdown), 350);
    return () => clearTimeout(timer);
  }, [markdown]);
  const check = useQuery({
    queryKey: ["check", settled, scope.project ?? null],
    queryFn: () => act.plan.check(settled, scope),
    enabled: settled.trim() !== "",
    placeholderData: keepPreviousData,
    gcTime: 30_000,
  });
  return {
    diagnostics: check.data?.diagnostics ?? NONE,
    dag: check.data?.dag ?? null,
    checked: check.isSuccess,
  };
}
