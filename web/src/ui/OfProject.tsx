// A page about one project: begins anew when another is chosen.

import { Fragment, type ComponentType } from "react";
import { useProject } from "../lib/project";
import { Skeleton } from "./Feedback";

/** The list of projects, where there are several. */
export function ProjectChooser() {
  const { project, projects, choose } = useProject();
  if (projects.length === 0) return null;
  return (
    <select
      className="select"
      aria-label="Project"
      value={project}
      onChange={(event) => choose(event.target.value)}
    >
      {projects.map(({ project: id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Wraps a page that shows one project. */
export function ofProject(Page: ComponentType): ComponentType {
  return function OfProject() {
    const { ready, project } = useProject();
    if (!ready) {
      return (
        <div className="page">
          <Skeleton lines={3} height={80} />
        </div>
      );
    }
    return (
      <Fragment key={project}>
        <Page />
      </Fragment>
    );
  };
}
