// More to use for a plan or a room that has used up what it was given.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../api/actions";
import { get, part } from "../api/client";
import type { Budget, InboxItem } from "../api/types";
import { compact, cost, dollars, NOT_REPORTED } from "../lib/format";
import { TextField } from "../ui/Field";
import { FormDialog } from "../ui/FormDialog";

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
  const wanted = { tokens: typed(tokens), usd: typed(usd) };
  const ready = wanted.tokens !== undefined || wanted.usd !== undefined;
  const raise = async () => {
    if (!room) {
      await act.plan.budget(plan_id, wanted, scope);
    } else {
      if (wanted.tokens) await act.room.set(room, "budget_tokens", wanted.tokens, scope);
      if (wanted.usd) await act.room.set(room, "budget_usd", wanted.usd, scope);
    }
    onDone();
  };
  const { data } = budget;
  return (
    <FormDialog
      title="Raise the budget"
      confirm="Raise"
      ready={ready}
      onSubmit={raise}
      onClose={onClose}
    >
      {data && (
        <p>
          Used so far: {compact(data.tokens)} tokens, cost {cost(data.cost_usd) ?? NOT_REPORTED}.
          The budget is{" "}
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
        <TextField
          label="Tokens in all"
          inputMode="numeric"
          placeholder={data?.budget_tokens ? String(data.budget_tokens) : "as it is"}
          value={tokens}
          onChange={setTokens}
        />
        <TextField
          label="US dollars in all"
          inputMode="decimal"
          placeholder={data?.budget_usd ? String(data.budget_usd) : "as it is"}
          value={usd}
          onChange={setUsd}
        />
      </div>
      <p className="small quiet">What is left empty stays as it is.</p>
    </FormDialog>
  );
}
