// A dialog to fill in: one button does it, another leaves it, and what went wrong is said in it.

import { useId, type ReactNode } from "react";
import { Dialog } from "./Dialog";
import { Problem } from "./Feedback";
import { useAct } from "./useAct";

interface Props {
  title: string;
  /** What the button says that does it, and what it says meanwhile. */
  confirm: string;
  meanwhile?: string;
  danger?: boolean;
  /** Whether what is filled in is enough. */
  ready?: boolean;
  /** Does it; the dialog closes unless it fails. */
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}

export function FormDialog({
  title,
  confirm,
  meanwhile = confirm,
  danger = false,
  ready = true,
  onSubmit,
  onClose,
  children,
}: Props) {
  const id = useId();
  const { busy, error, run } = useAct();
  const submit = async () => {
    if (await run(onSubmit)) onClose();
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
            form={id}
            className={danger ? "btn danger" : "btn primary"}
            disabled={busy || !ready}
          >
            {busy ? meanwhile : confirm}
          </button>
        </>
      }
    >
      <form
        id={id}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {children}
        {error !== null && <Problem error={error} />}
      </form>
    </Dialog>
  );
}
