// What is set for the runs of a plan, each value with where it comes from and where it is changed.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { configQuery, planQuery, type Scope } from "../../api/queries";
import type { OwnSetting, PlanDetail } from "../../api/types";
import { useProject } from "../../lib/project";
import { Banner } from "../../ui/Feedback";
import { SettingParts, settingText } from "../../ui/SettingParts";

export default function PlanSettings({ detail, scope }: { detail: PlanDetail; scope: Scope }) {
  const { plan_id, project } = detail.board;
  // No event tells that a file of settings was changed.
  const now = useQuery({ ...planQuery(plan_id, scope), staleTime: 0 });
  const { config, config_problem } = now.data ?? detail;
  // What the settings mean is told with those of the project.
  const all = useQuery(configQuery({ project }));
  const docs = new Map(all.data?.items.map(({ key, doc }) => [key, doc]));
  return (
    <div className="stack">
      {config_problem && (
        <Banner tone="failed">
          <p>
            <strong>The plan's own settings cannot be read.</strong> {config_problem} What is below
            is set for the project.
          </p>
        </Banner>
      )}
      <section className="card">
        <div className="card-head">
          <h2>What is set for its runs</h2>
          <span className="small quiet">All else is as shipped.</span>
        </div>
        {config.map((setting) => (
          <div key={setting.key} className="setting">
            <SettingParts
              name={<h3 className="mono">{setting.key}</h3>}
              doc={docs.get(setting.key)}
              value={<p className="mono">{settingText(setting.value)}</p>}
              source={setting.source}
              action={<Change setting={setting} detail={detail} />}
            />
          </div>
        ))}
        {config.length === 0 && <p className="card-body quiet">Nobody has set anything.</p>}
      </section>
    </div>
  );
}

/** The way to where a value is changed, if that is in the app. */
function Change({ setting, detail }: { setting: OwnSetting; detail: PlanDetail }) {
  const { choose } = useProject();
  const { project, plan_id } = detail.board;
  const { key, layer, source } = setting;
  if (layer === "project") {
    return (
      <Link className="btn s" to="/settings" search={{ name: key }} onClick={() => choose(project)}>
        Change<span className="visually-hidden"> {key}</span>
      </Link>
    );
  }
  // What stands beside the text is in files of its own.
  if (layer === "plan" && /\.md(:\d+)?$/.test(source)) {
    return (
      <Link
        className="btn s"
        to="/plans/$planId"
        params={{ planId: plan_id }}
        search={(before) => ({ project: before.project, tab: "text" })}
      >
        Change<span className="visually-hidden"> {key} in the text</span>
      </Link>
    );
  }
  return null;
}
