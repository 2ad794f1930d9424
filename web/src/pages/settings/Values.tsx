// Every setting with its value, where the value comes from, and what it means.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import * as act from "../../api/actions";
import { chosenScope } from "../../api/chosen";
import { configQuery } from "../../api/queries";
import type { Setting } from "../../api/types";
import { Problem, Skeleton } from "../../ui/Feedback";
import { SettingParts, settingText } from "../../ui/SettingParts";
import { useAct } from "../../ui/useAct";

const route = getRouteApi("/settings");

export default function Values() {
  const { name } = route.useSearch();
  const config = useQuery(configQuery(chosenScope()));
  const [text, setText] = useState(name ?? "");
  if (config.isPending) return <Skeleton lines={8} height={54} />;
  if (config.error) return <Problem error={config.error} retry={() => void config.refetch()} />;
  const wanted = text.toLowerCase();
  const items = config.data.items.filter(({ key, doc }) =>
    `${key} ${doc}`.toLowerCase().includes(wanted),
  );
  return (
    <div className="stack">
      <input
        className="input"
        type="search"
        aria-label="Find a setting"
        placeholder="Find a setting"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="card">
        {items.map((setting) => (
          <Value key={`${setting.key}=${JSON.stringify(setting.value)}`} setting={setting} />
        ))}
        {items.length === 0 && <p className="card-body quiet">No setting is called that.</p>}
      </div>
    </div>
  );
}

/** What was typed as a value: JSON where it is JSON, else the words. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function Value({ setting }: { setting: Setting }) {
  const { key, value, source, doc } = setting;
  const [text, setText] = useState(settingText(value));
  const { busy, error, run } = useAct();
  const client = useQueryClient();
  const changed = text !== settingText(value);
  const save = () =>
    run(async () => {
      await act.settings.set(key, parse(text));
      await client.invalidateQueries({ queryKey: ["config"] });
    });
  return (
    <form
      className="setting"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <SettingParts
        name={
          <label className="mono" htmlFor={`setting-${key}`}>
            {key}
          </label>
        }
        doc={doc}
        value={
          <input
            id={`setting-${key}`}
            className="input code"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        }
        source={source}
        action={
          <button type="submit" className="btn s" disabled={!changed || busy}>
            Save
          </button>
        }
      />
      {error !== null && <Problem error={error} />}
    </form>
  );
}
