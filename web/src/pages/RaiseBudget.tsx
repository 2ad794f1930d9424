// More to use for a plan or a room that has used up what it was given.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../api/actions";
import { get, part } from "../api/client";
import type { InboxItem } from "../api/types";
import { compact, dollars } from "../lib/format";
import { Dialog } from "../ui/Dialog";
import { Problem } from "../ui/Feedback";
import { useAct } from "../ui/useAct";

interface Budget {
  budget_tokens: number | null;
  budget_usd: number | null;
  tokens: number;
  cost_usd: number | null;
}

interface Props {
  item: InboxItem;
  onDone: () => void;
  onClose: () => void;
}

/** A number that was typed, if it is one that can be a budget. */
const typed = (text: string): number | undefined => {
  const value = Number(text.replaceAll(/[\s_,]/g, ""));
  return text.trim() && Number.isFinite(value) && value > 0 ? value : undefined;
};

export function RaiseBudget({ item, onDone, onClose }: Props) {
  const scope = { project: item.project };
  const { plan_id, room } = item;
  const budget = useQuery({
    queryKey: ["budget", plan_id, item.project],
    queryFn: () => get<Budget>(`/plans/${part(plan_id)}/budget`, scope),
    enabled: !room,
    gcTime: 0,
  });
  const [tokens, setTokens] = useState("");
  const [usd, setUsd] = useState("");
  const { busy, error, run } = useAct();
  const wanted = { tokens: typed(tokens), usd: typed(usd) };
  const ready = wanted.tokens !== undefined || wanted.usd !== undefined;
  const raise = async () => {
    const done = await run(async () => {
      if (!room) return act.plan.budget(plan_id, wanted, scope);
      if (wanted.tokens) await act.room.set(room, "budget_tokens", wanted.tokens, scope);
      if (wanted.usd) await act.room.set(room, "budget_usd", wanted.usd, scope);
    });
    if (!done) return;
    onDone();
    onClose();
  };
  const { data } = budget;
  return (
    <Dialog
      title="Raise the budget"
      onClose={onClose}
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Back
          </button>
          <button
            type="submit"
            form="raise-budget"
            className="btn primary"
            disabled={busy || !ready}
          >
            Raise
          </button>
        </>
      }
    >
      <form
        id="raise-budget"
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void raise();
        }}
      >
        {data && (
          <p>
            Used so far: {compact(data.tokens)} tokens, {dollars(data.cost_usd)}. The budget is{" "}
            {[
              data.budget_tokens === null ? null : `${compact(data.budget_tokens)} tokens`,
              data.budget_usd === null ? null : dollars(data.budget_usd),
            ]
              .filter(Boolean)
              .join(" and ") || "not set"}
            .
          </p>
        )}
        <div className="form-grid">
          <div className="field">
            <label htmlFor="budget-tokens">Tokens in all</label>
            <input
              id="budget-tokens"
              className="input"
              inputMode="numeric"
              placeholder={data?.budget_tokens ? String(data.budget_tokens) : "as it is"}
              value={tokens}
              onChange={(event) => setTokens(event.target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor="budget-usd">US dollars in all</label>
            <input
              id="budget-usd"
              className="input"
              inputMode="decimal"
              placeholder={data?.budget_usd ? String(data.budget_usd) : "as it is"}
              value={usd}
              onChange={(event) => setUsd(event.target.value)}
            />
          </div>
        </div>
        <p className="small quiet">What is left empty stays as it is.</p>
        {error !== null && <Problem error={error} />}
      </form>
    </Dialog>
  );
}
