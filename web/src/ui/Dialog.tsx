// The platform's own dialog: it keeps the focus, closes on Escape and gives the focus back.

import { useId, useLayoutEffect, useRef, type ReactNode } from "react";
import { Icon } from "./Icon";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  foot?: ReactNode;
  wide?: boolean;
  /** Holds words only: the keyboard scrolls it as it is. */
  reading?: boolean;
  /** Said instead of the closing by Escape or the scrim, when something would be lost. */
  guard?: () => boolean;
}

export function Dialog(props: Props) {
  const { title, onClose, children, foot, wide = false, reading = false, guard } = props;
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Closed before it leaves the page: only then the focus goes back to where it was.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const leave = () => {
    if (!guard || guard()) onClose();
  };
  return (
    <dialog
      ref={ref}
      className={wide ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        leave();
      }}
      onMouseDown={(event) => {
        if (event.target === ref.current) leave();
      }}
    >
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" className="btn plain icon" aria-label="Close" onClick={leave}>
          <Icon name="close" />
        </button>
      </div>
      <div
        className="dialog-body"
        {...(reading && { tabIndex: 0, role: "region", "aria-labelledby": id })}
      >
        {children}
      </div>
      {foot && <div className="dialog-foot">{foot}</div>}
    </dialog>
  );
}
