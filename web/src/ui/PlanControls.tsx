// Run, pause, stop: what can be done with a plan as it stands now.

import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import * as act from "../api/actions";
import type { Summary } from "../api/types";
import { isOver } from "../lib/ways";
import { Confirm } from "./Confirm";
import { Icon } from "./Icon";
import { Menu, type Item } from "./Menu";
import { RunPlan } from "./RunPlan";
import { toast } from "./Toaster";

type Over = "run" | "stop" | "force" | "remove";

export function PlanControls({ plan, small = false }: { plan: Summary; small?: boolean }) {
  const [over, setOver] = useState<Over | null>(null);
  const navigate = useNavigate();
  const scope = { project: plan.project };
  const pause = useMutation({
    mutationFn: () =>
      plan.paused ? act.plan.resume(plan.plan_id, scope) : act.plan.pause(plan.plan_id, scope),
    onError: (error) => toast({ tone: "failed", title: "Not done", body: error.message }),
  });
  const driven = plan.engine?.alive ?? false;
  const is_over = isOver(plan.state);
  const size = small ? " s" : "";
  const items: Item[] = [
    {
      label: plan.paused ? "End the pause" : "Pause",
      icon: plan.paused ? "play" : "pause",
      onSelect: () => pause.mutate(),
      disabled: is_over,
    },
    { label: "Stop the run", icon: "stop", onSelect: () => setOver("stop"), disabled: !driven },
    {
      label: "Stop at once",
      icon: "stop",
      onSelect: () => setOver("force"),
      disabled: !driven,
      danger: true,
    },
    {
      label: "Remove the plan",
      icon: "close",
      onSelect: () => setOver("remove"),
      disabled: driven,
      danger: true,
    },
  ];
  return (
    <div className="actions above">
      {!driven && (
        <button
          type="button"
          className={`btn${small || is_over ? size : " primary"}`}
          onClick={() => setOver("run")}
        >
          <Icon name="play" size={14} />{" "}
          {plan.state === "planned" ? "Run" : is_over ? "Run again" : "Go on"}
        </button>
      )}
      {driven && (
        <button
          type="button"
          className={`btn${size}`}
          disabled={pause.isPending}
          onClick={() => pause.mutate()}
        >
          <Icon name={plan.paused ? "play" : "pause"} size={14} />
          {plan.paused ? "End the pause" : "Pause"}
        </button>
      )}
      <Menu label={`More about ${plan.title}`} items={items}>
        <button
          type="button"
          className={small ? "btn icon plain s" : "btn icon"}
          aria-label={`More actions: ${plan.title}`}
        >
          <Icon name="more" />
        </button>
      </Menu>
      {over === "run" && <RunPlan plan={plan} onClose={() => setOver(null)} />}
      {over === "stop" && (
        <Confirm
          title="Stop the run?"
          text="Running sessions are ended in order and their rooms go on where they are when the plan runs again. Nothing is lost."
          confirm="Stop"
          onConfirm={() => act.plan.stop(plan.plan_id, false, scope)}
          onClose={() => setOver(null)}
        />
      )}
      {over === "force" && (
        <Confirm
          title="Stop at once?"
          text="Running sessions are killed. What an agent had not written to a file is lost; the rooms go on from their last message."
          confirm="Stop at once"
          danger
          onConfirm={() => act.plan.stop(plan.plan_id, true, scope)}
          onClose={() => setOver(null)}
        />
      )}
      {over === "remove" && (
        <Confirm
          title={`Remove “${plan.title}”?`}
          text="Its rooms go with it, and all their messages, transcripts and artifacts. What the agents remember stays, and so does the file that it was imported from, if there is one."
          confirm="Remove"
          danger
          onConfirm={async () => {
            await act.plan.remove(plan.plan_id, scope);
            await navigate({ to: "/plans" });
          }}
          onClose={() => setOver(null)}
        />
      )}
    </div>
  );
}
