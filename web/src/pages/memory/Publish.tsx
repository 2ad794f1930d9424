// Writing a memory, or one that takes the place of an older one.

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../../api/actions";
import { keys } from "../../api/queries";
import type { Memory, MemoryKind } from "../../api/types";
import { AreaField, SelectField, TextField } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { toast } from "../../ui/Toaster";

export const KINDS: MemoryKind[] = [
  "decision",
  "interface",
  "convention",
  "warning",
  "artifact",
  "code",
];

export function Publish({ replaces, onClose }: { replaces?: Memory; onClose: () => void }) {
  const [kind, setKind] = useState<MemoryKind>(replaces?.kind ?? "decision");
  const [summary, setSummary] = useState(replaces?.summary ?? "");
  const [detail, setDetail] = useState(replaces?.detail ?? "");
  const [ref, setRef] = useState(replaces?.ref ?? "");
  const [tags, setTags] = useState(replaces?.tags.join(", ") ?? "");
  const client = useQueryClient();
  const publish = async () => {
    await act.memory.publish({
      kind,
      summary: summary.trim(),
      detail: detail.trim() || undefined,
      tags: tags
        .split(",")
        .map((tag) => tag.trim())
        .filter(Boolean),
      ref: ref.trim() || undefined,
      supersedes: replaces?.id,
    });
    toast({ tone: "passed", title: replaces ? "Superseded" : "Published" });
    await client.invalidateQueries({ queryKey: keys.memories });
  };
  return (
    <FormDialog
      title={replaces ? "Supersede the memory" : "Publish a memory"}
      confirm={replaces ? "Supersede" : "Publish"}
      ready={summary.trim() !== ""}
      onSubmit={publish}
      onClose={onClose}
    >
      {replaces && <p>The older one stays in the ledger and is given to nobody any more.</p>}
      <SelectField label="Kind" value={kind} onChange={setKind}>
        {KINDS.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </SelectField>
      <AreaField label="In one or two sentences" value={summary} onChange={setSummary} />
      <AreaField label="Detail" rows={5} value={detail} onChange={setDetail} />
      <TextField label="What it is about" placeholder="EPIC-001" value={ref} onChange={setRef} />
      <TextField label="Tags" hint="Separated by commas" value={tags} onChange={setTags} />
    </FormDialog>
  );
}
