// What needs a person, where nobody can miss it: each in one sentence, with the way to it.

import { Link } from "@tanstack/react-router";
import type { PlanDetail, Row } from "../../api/types";
import type { Scope } from "../../api/queries";
import { Banner } from "../../ui/Feedback";

const MAX = 3;

interface Props {
  detail: PlanDetail;
  scope: Scope;
  onReview: () => void;
}

export function PlanTrouble({ detail, scope, onReview }: Props) {
  const { board, review } = detail;
  const rows = board.rows.filter(
    ({ display }) => display.tone === "attention" || display.tone === "failed",
  );
  const ordered = [...rows].sort((a, b) => rank(a) - rank(b));
  return (
    <div className="stack" aria-live="polite">
      {review.state === "needs-approval" && (
        <Banner
          tone="attention"
          action={
            <button type="button" className="btn s" onClick={onReview}>
              Review
            </button>
          }
        >
          <p>
            <strong>The plan waits for your approval.</strong> Nothing runs before it.
          </p>
        </Banner>
      )}
      {ordered.slice(0, MAX).map((row) => (
        <Banner
          key={row.epic}
          tone={row.display.tone}
          action={
            row.room && (
              <Link
                className="btn s"
                to="/rooms/$roomId"
                params={{ roomId: row.room }}
                search={{ project: scope.project }}
              >
                Open
              </Link>
            )
          }
        >
          <p>
            <strong>
              {row.epic} {row.display.word}.
            </strong>{" "}
            {row.why ?? row.display.detail ?? row.title}
          </p>
        </Banner>
      ))}
      {ordered.length > MAX && (
        <p className="small quiet">
          {ordered.length - MAX} more. <Link to="/inbox">The inbox has them all.</Link>
        </p>
      )}
    </div>
  );
}

const rank = (row: Row): number => (row.display.tone === "attention" ? 0 : 1);
