// Asks for a reason before something that a person should mean.

import { useState } from "react";
import { Dialog } from "./Dialog";
import { Problem } from "./Feedback";

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
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm(why.trim());
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Back
          </button>
          <button
            type="submit"
            form="confirm"
            className={danger ? "btn danger" : "btn primary"}
            disabled={busy || (reason && !why.trim())}
          >
            {confirm}
          </button>
        </>
      }
    >
      <form
        id="confirm"
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        <p>{text}</p>
        {reason && (
          <div className="field">
            <label htmlFor="confirm-reason">Reason</label>
            <textarea
              id="confirm-reason"
              className="textarea"
              value={why}
              onChange={(event) => setWhy(event.target.value)}
              required
            />
            <span className="hint">It is kept in the audit and the agents see it.</span>
          </div>
        )}
        {error !== null && <Problem error={error} />}
      </form>
    </Dialog>
  );
}
