// Asks for a reason before something that a person should mean.

import { useState } from "react";
import { AreaField } from "./Field";
import { FormDialog } from "./FormDialog";

interface Props {
  title: string;
  text: string;
  confirm: string;
  danger?: boolean;
  /** Whether a reason has to be given; it is kept in the audit. */
  reason?: boolean;
  onConfirm: (reason: string) => Promise<unknown>;
  onClose: () => void;
}

export function Confirm({
  title,
  text,
  confirm,
  danger,
  reason = false,
  onConfirm,
  onClose,
}: Props) {
  const [why, setWhy] = useState("");
  return (
    <FormDialog
      title={title}
      confirm={confirm}
      danger={danger}
      ready={!reason || why.trim() !== ""}
      onSubmit={() => onConfirm(why.trim())}
      onClose={onClose}
    >
      <p>{text}</p>
      {reason && (
        <AreaField
          label="Reason"
          hint="It is kept in the audit and the agents see it."
          value={why}
          onChange={setWhy}
          required
        />
      )}
    </FormDialog>
  );
}
