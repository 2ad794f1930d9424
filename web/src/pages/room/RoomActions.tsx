// What a person can do with a room: the verdicts that its state allows, and the override.

import { useState } from "react";
import * as act from "../../api/actions";
import type { Scope } from "../../api/queries";
import type { RoomDetail } from "../../api/types";
import { Confirm } from "../../ui/Confirm";
import { AreaField, SelectField } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { Icon } from "../../ui/Icon";
import { Menu, type Item } from "../../ui/Menu";
import { toast } from "../../ui/Toaster";

interface Verdict {
  verdict: string;
  label: string;
  text: string;
  danger?: boolean;
}

const VERDICTS: Verdict[] = [
  {
    verdict: "fix",
    label: "Fix",
    text: "The worker mends what the reviewer found, with one more retry.",
  },
  {
    verdict: "redesign",
    label: "Redesign",
    text: "Your words are added to the brief and the work begins anew, with one more retry.",
  },
  { verdict: "replan", label: "Replan", text: "The room waits until the plan was changed." },
  {
    verdict: "reject",
    label: "Reject",
    text: "The epic is given up; what depends on it stays blocked.",
    danger: true,
  },
];

const RETRY: Verdict = {
  verdict: "retry",
  label: "Retry",
  text: "The state before the last failure is tried again, with one more retry.",
};
const CANCEL: Verdict = {
  verdict: "cancel",
  label: "Cancel",
  text: "A running session is ended and the epic is given up.",
  danger: true,
};

interface Props {
  room: string;
  detail: RoomDetail;
  scope: Scope;
}

export function RoomActions({ room, detail, scope }: Props) {
  const [chosen, setChosen] = useState<Verdict | "override" | null>(null);
  const { lifecycle, row } = detail;
  const allowed = VERDICTS.filter(({ verdict }) => lifecycle.allowed_signals.includes(verdict));
  const kind = lifecycle.machine.states.find(({ name }) => name === lifecycle.current)?.kind;
  const over = kind === "terminal";
  const failed = row.display.tone === "failed" || row.display.tone === "cancelled";
  const items: Item[] = [
    { label: "Retry", icon: "trouble", onSelect: () => setChosen(RETRY), disabled: row.passed },
    { label: "Override the state", icon: "right", onSelect: () => setChosen("override") },
    {
      label: "Cancel the room",
      icon: "cancelled",
      onSelect: () => setChosen(CANCEL),
      disabled: over,
      danger: true,
    },
  ];
  return (
    <div className="actions">
      {allowed.map((verdict, index) => (
        <button
          key={verdict.verdict}
          type="button"
          className={verdict.danger ? "btn danger" : index === 0 ? "btn primary" : "btn"}
          onClick={() => setChosen(verdict)}
        >
          {verdict.label}
        </button>
      ))}
      {failed && (
        <button type="button" className="btn primary" onClick={() => setChosen(RETRY)}>
          <Icon name="trouble" size={14} /> Retry
        </button>
      )}
      <Menu label="More actions" items={items} />
      {chosen === "override" && (
        <Override room={room} detail={detail} scope={scope} onClose={() => setChosen(null)} />
      )}
      {chosen !== null && chosen !== "override" && (
        <Confirm
          title={`${chosen.label} ${row.epic}?`}
          text={chosen.text}
          confirm={chosen.label}
          danger={chosen.danger}
          reason
          onConfirm={async (reason) => {
            await act.room.decide(room, chosen.verdict, reason, scope);
            toast({ tone: "passed", title: `${chosen.label}: ${row.epic}` });
          }}
          onClose={() => setChosen(null)}
        />
      )}
    </div>
  );
}

function Override({ room, detail, scope, onClose }: Props & { onClose: () => void }) {
  const { machine, current } = detail.lifecycle;
  const states = machine.states.filter(({ name }) => name !== current);
  const [state, setState] = useState(states[0]?.name ?? "");
  const [reason, setReason] = useState("");
  const override = async () => {
    await act.room.override(room, state, reason.trim(), scope);
    toast({ tone: "passed", title: `${detail.row.epic} is now ${state}` });
  };
  return (
    <FormDialog
      title={`Override the state of ${detail.row.epic}`}
      confirm="Override"
      ready={reason.trim() !== "" && state !== ""}
      onSubmit={override}
      onClose={onClose}
    >
      <p>
        The room is <strong>{current}</strong>. A running session is ended first. The audit keeps
        your reason.
      </p>
      <SelectField label="New state" value={state} onChange={setState}>
        {states.map(({ name, kind }) => (
          <option key={name} value={name}>
            {name} ({kind})
          </option>
        ))}
      </SelectField>
      <AreaField label="Reason" value={reason} onChange={setReason} />
    </FormDialog>
  );
}
