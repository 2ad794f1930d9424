// Writing a memory, or one that takes the place of an older one.

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../../api/actions";
import { keys } from "../../api/queries";
import type { Memory } from "../../api/types";
import { Dialog } from "../../ui/Dialog";
import { Problem } from "../../ui/Feedback";
import { toast } from "../../ui/Toaster";

const KINDS = ["decision", "interface", "convention", "warning", "artifact", "code"];

export function Publish({ replaces, onClose }: { replaces?: Memory; onClose: () => void }) {
  const [kind, setKind] = useState(replaces?.kind ?? "decision");
  const [summary, setSummary] = useState(replaces?.summary ?? "");
  const [detail, setDetail] = useState(replaces?.detail ?? "");
  const [tags, setTags] = useState(replaces?.tags.join(", ") ?? "");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const client = useQueryClient();
  const publish = async () => {
    setBusy(true);
    setError(null);
    try {
      await act.memory.publish({
        kind,
        summary: summary.trim(),
        detail: detail.trim() || undefined,
        tags: tags
          .split(",")
          .map((tag) => tag.trim())
          .filter(Boolean),
        supersedes: replaces?.id,
      });
      toast({ tone: "passed", title: replaces ? "Superseded" : "Published" });
      await client.invalidateQueries({ queryKey: keys.memories });
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={replaces ? "Supersede the memory" : "Publish a memory"}
      onClose={onClose}
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Back
          </button>
          <button
            type="submit"
            form="publish"
            className="btn primary"
            disabled={busy || !summary.trim()}
          >
            {replaces ? "Supersede" : "Publish"}
          </button>
        </>
      }
    >
      <form
        id="publish"
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void publish();
        }}
      >
        {replaces && <p>The older one stays in the ledger and is given to nobody any more.</p>}
        <div className="field">
          <label htmlFor="memory-kind">Kind</label>
          <select
            id="memory-kind"
            className="input"
            value={kind}
            onChange={(event) => setKind(event.target.value)}
          >
            {KINDS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor="memory-summary">In one or two sentences</label>
          <textarea
            id="memory-summary"
            className="textarea"
            value={summary}
            onChange={(event) => setSummary(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor="memory-detail">Detail</label>
          <textarea
            id="memory-detail"
            className="textarea"
            rows={5}
            value={detail}
            onChange={(event) => setDetail(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor="memory-tags">Tags</label>
          <input
            id="memory-tags"
            className="input"
            value={tags}
            onChange={(event) => setTags(event.target.value)}
          />
          <span className="hint">Separated by commas</span>
        </div>
        {error !== null && <Problem error={error} />}
      </form>
    </Dialog>
  );
}
