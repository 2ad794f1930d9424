// What a page shows while it reads, when there is nothing, and when something went wrong.

import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import type { Tone } from "../api/types";
import { Icon, type IconName } from "./Icon";

export function Skeleton({ lines = 4, height = 44 }: { lines?: number; height?: number }) {
  return (
    <div className="stack" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} className="skeleton" style={{ height }} />
      ))}
    </div>
  );
}

interface EmptyProps {
  icon: IconName;
  title: string;
  children?: ReactNode;
}

export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div className="empty">
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Banner({
  tone,
  children,
  action,
}: {
  tone: Tone;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={`banner tone-${tone}`}>
      <Icon name={tone} />
      <div className="grow">{children}</div>
      {action}
    </div>
  );
}

/** An error in the server's words, with what to do about it. */
export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  if (known?.status === 401) {
    return (
      <Empty icon="link" title="This browser is not signed in">
        <p>
          Open the link that the dashboard prints when it starts. It works once and keeps you signed
          in here. For a new one:
        </p>
        <pre>ostwin dashboard</pre>
      </Empty>
    );
  }
  const title = known?.title ?? "Something went wrong";
  const detail = error instanceof Error ? error.message : String(error);
  return (
    <div className="problem" role="alert">
      <strong>{title}</strong>
      {detail && detail !== title && <p>{detail}</p>}
      {known && known.errors.length > 0 && (
        <ul>
          {known.errors.map((item, index) => (
            <li key={index}>
              {item.line ? (
                <span className="mono">{`${item.line}:${item.column ?? 1} `}</span>
              ) : null}
              {item.message}
              {item.suggestion && <span className="quiet"> {item.suggestion}</span>}
            </li>
          ))}
        </ul>
      )}
      {retry && (
        <p style={{ marginTop: 8 }}>
          <button type="button" className="btn s" onClick={retry}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}
