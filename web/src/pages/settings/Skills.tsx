// What the agents can load when they need it.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../../api/actions";
import { chosenScope } from "../../api/chosen";
import { get } from "../../api/client";
import type { Page, SkillItem } from "../../api/types";
import { Confirm } from "../../ui/Confirm";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { toast } from "../../ui/Toaster";
import { useAct } from "../../ui/useAct";

export default function Skills() {
  const skills = useQuery({
    queryKey: ["skills"],
    queryFn: () => get<Page<SkillItem>>("/skills", chosenScope()),
  });
  const [source, setSource] = useState("");
  const [text, setText] = useState("");
  const [removing, setRemoving] = useState<string | null>(null);
  const { busy, error, run } = useAct();
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ["skills"] });
  const install = async () => {
    const done = await run(async () => {
      await act.settings.installSkill(source.trim());
      await refresh();
    });
    if (done) {
      toast({ tone: "passed", title: "Installed" });
      setSource("");
    }
  };
  if (skills.isPending) return <Skeleton lines={6} />;
  if (skills.error) return <Problem error={skills.error} retry={() => void skills.refetch()} />;
  const wanted = text.toLowerCase();
  const items = skills.data.items.filter(({ name, description }) =>
    `${name} ${description}`.toLowerCase().includes(wanted),
  );
  return (
    <div className="stack">
      <form
        className="card card-body row wrap"
        onSubmit={(event) => {
          event.preventDefault();
          void install();
        }}
      >
        <input
          className="input code grow"
          aria-label="Where the skill is"
          placeholder="A folder, a Git address or a registry name"
          value={source}
          onChange={(event) => setSource(event.target.value)}
        />
        <button type="submit" className="btn" disabled={busy || !source.trim()}>
          {busy ? "Installing" : "Install"}
        </button>
        {error !== null && <Problem error={error} />}
      </form>
      <input
        className="input"
        type="search"
        aria-label="Find a skill"
        placeholder="Find a skill"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="card">
        {items.map(({ name, description, tier, installed, problem }) => (
          <div key={`${name}/${tier}`} className="thing">
            <div className="grow">
              <p className="row wrap">
                <strong>{name}</strong>
                <span className="tag">{tier}</span>
              </p>
              <p className="small quiet">{problem ?? description}</p>
            </div>
            {installed && (
              <button type="button" className="btn s danger" onClick={() => setRemoving(name)}>
                Remove<span className="visually-hidden"> {name}</span>
              </button>
            )}
          </div>
        ))}
        {items.length === 0 && (
          <Empty icon="tool" title="No such skill">
            <p>Install one above, or take the words away.</p>
          </Empty>
        )}
      </div>
      {removing && (
        <Confirm
          title={`Remove ${removing}?`}
          text="Agents are not offered it any more."
          confirm="Remove"
          danger
          onConfirm={async () => {
            await act.settings.removeSkill(removing);
            await refresh();
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </div>
  );
}
