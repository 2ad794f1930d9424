// The same decision for several rooms, each answered for itself.

import { useState } from "react";
import * as act from "../../api/actions";
import type { RoomItem } from "../../api/types";
import { plural } from "../../lib/format";
import { Confirm } from "../../ui/Confirm";
import { toast } from "../../ui/Toaster";

interface Props {
  rooms: RoomItem[];
  onDone: () => void;
}

export function RoomsAct({ rooms, onDone }: Props) {
  const [verdict, setVerdict] = useState<"retry" | "cancel" | null>(null);
  const go = async (what: string, reason: string) => {
    const answers = await Promise.allSettled(
      rooms.map((room) =>
        act.room.decide(room.room ?? "", what, reason, { project: room.project }),
      ),
    );
    const failed = answers.flatMap((answer, index) =>
      answer.status === "rejected"
        ? [
            `${rooms[index]?.epic ?? ""}: ${answer.reason instanceof Error ? answer.reason.message : ""}`,
          ]
        : [],
    );
    if (failed.length > 0) {
      toast({ tone: "failed", title: `${failed.length} not done`, body: failed.join("; ") });
    } else {
      toast({ tone: "passed", title: `${plural(rooms.length, "room")}: ${what}` });
    }
    onDone();
  };
  return (
    <div className="card pick-bar" role="region" aria-label="Selected rooms">
      <strong>{plural(rooms.length, "room")} selected</strong>
      <span className="grow" />
      <button type="button" className="btn s" onClick={() => setVerdict("retry")}>
        Retry
      </button>
      <button type="button" className="btn s danger" onClick={() => setVerdict("cancel")}>
        Cancel rooms
      </button>
      <button type="button" className="btn s plain" onClick={onDone}>
        Select none
      </button>
      {verdict && (
        <Confirm
          title={`${verdict === "retry" ? "Retry" : "Cancel"} ${plural(rooms.length, "room")}?`}
          text={rooms.map(({ epic }) => epic).join(", ")}
          confirm={verdict === "retry" ? "Retry" : "Cancel rooms"}
          danger={verdict === "cancel"}
          reason
          onConfirm={(reason) => go(verdict, reason)}
          onClose={() => setVerdict(null)}
        />
      )}
    </div>
  );
}
