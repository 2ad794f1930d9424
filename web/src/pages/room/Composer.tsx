// A person's own words to the room.

import { useRef, useState } from "react";
import * as act from "../../api/actions";
import type { Scope } from "../../api/queries";
import { useHotkeys } from "../../lib/hotkeys";
import { Problem } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";

export function Composer({ room, scope }: { room: string; scope: Scope }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  useHotkeys({ c: () => field.current?.focus() });
  const send = async () => {
    if (!text.trim() || busy) return;
    setBusy(true);
    setError(null);
    try {
      await act.room.say(room, "message", text.trim(), null, scope);
      setText("");
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {error !== null && <Problem error={error} />}
      <div className="row">
        <textarea
          ref={field}
          className="textarea grow"
          rows={1}
          aria-label="Message to the room"
          placeholder="Write to the room. The next session reads it."
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              void send();
            }
          }}
        />
        <button
          type="submit"
          className="btn primary icon"
          aria-label="Send"
          disabled={busy || !text.trim()}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
