// What came out of the room: the files, and the chosen one beside them as far as it is safe to show.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { url } from "../../api/client";
import {
  artifactPath,
  artifactQuery,
  artifactsQuery,
  artifactTextQuery,
  type Scope,
} from "../../api/queries";
import type { Artifact } from "../../api/types";
import { bytes } from "../../lib/format";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { More } from "../../ui/More";
import { Markdown } from "../../ui/Markdown";
import { Ticks } from "../../ui/Ticks";
import { Ago } from "../../ui/Time";

/** Longer texts are offered as a download: a page that hangs shows nothing. */
const MAX_TEXT = 512 * 1024;

interface Props {
  room: string;
  chosen: string | undefined;
  scope: Scope;
}

export default function Artifacts({ room, chosen, scope }: Props) {
  const artifacts = useInfiniteQuery(artifactsQuery(room, scope));
  const navigate = useNavigate();
  if (artifacts.isPending) return <Skeleton lines={3} />;
  if (artifacts.error) {
    return <Problem error={artifacts.error} retry={() => void artifacts.refetch()} />;
  }
  const { pages } = artifacts.data;
  const items = pages.flatMap((page) => page.items);
  const problems = pages[0]?.problems ?? [];
  const path = chosen ?? items[0]?.path;
  if (path === undefined && problems.length === 0) {
    return (
      <div className="card">
        <Empty icon="file" title="No artifact yet">
          <p>
            <Ticks text="Files that the agents deliver with `write_artifact` appear here." />
          </p>
        </Empty>
      </div>
    );
  }
  return (
    <div className="split">
      <ul className="card side-list" aria-label="Artifacts">
        {items.map((artifact) => (
          <li key={artifact.path}>
            <button
              type="button"
              aria-pressed={artifact.path === path}
              onClick={() =>
                void navigate({
                  to: "/rooms/$roomId",
                  params: { roomId: room },
                  search: { ...scope, tab: "artifacts", artifact: artifact.path },
                  replace: true,
                })
              }
            >
              <span className="row">
                <Icon name="file" size={14} />
                <strong className="clip">{artifact.path}</strong>
              </span>
              <span className="row spread small quiet">
                <span className="num">{bytes(artifact.size_bytes)}</span>
                <Ago ts={artifact.modified_at} />
              </span>
            </button>
          </li>
        ))}
        <More list={artifacts} label="More" />
        {problems.map((problem) => (
          <li key={problem} className="list-note small">
            <Ticks text={problem} />
          </li>
        ))}
      </ul>
      {path !== undefined && (
        <Shown
          key={path}
          room={room}
          path={path}
          listed={items.find((artifact) => artifact.path === path)}
          scope={scope}
        />
      )}
    </div>
  );
}

interface ShownProps {
  room: string;
  path: string;
  /** Left out while the list has not come to it: then it is asked for by itself. */
  listed: Artifact | undefined;
  scope: Scope;
}

function Shown({ room, path, listed, scope }: ShownProps) {
  const asked = useQuery({ ...artifactQuery(room, path, scope), enabled: !listed });
  const artifact = listed ?? asked.data;
  if (artifact) {
    return (
      <section className="card" aria-label={path}>
        <div className="card-head">
          <h2 className="mono small clip">{path}</h2>
          <span className="small quiet">{artifact.media_type}</span>
          <a className="btn s" href={url(artifactPath(room, path), scope)} download>
            <Icon name="download" size={14} /> Download
          </a>
        </div>
        <Preview room={room} artifact={artifact} scope={scope} />
      </section>
    );
  }
  if (asked.isPending) return <Skeleton lines={2} />;
  if (asked.error) return <Problem error={asked.error} retry={() => void asked.refetch()} />;
  return (
    <section className="card" aria-label={path}>
      <Empty icon="file" title="There is no such artifact">
        <p className="mono">{path}</p>
      </Empty>
    </section>
  );
}

interface PreviewProps {
  room: string;
  artifact: Artifact;
  scope: Scope;
}

function Preview({ room, artifact, scope }: PreviewProps) {
  const { media_type, path, size_bytes, inline } = artifact;
  if (inline && media_type.startsWith("image/")) {
    return (
      <div className="card-body image-preview">
        <img src={url(artifactPath(room, path), scope)} alt={path} />
      </div>
    );
  }
  const readable =
    /^text\/|json|xml|yaml|toml|javascript|x-sh|svg/.test(media_type) && size_bytes <= MAX_TEXT;
  if (!readable) {
    return (
      <Empty icon="file" title="No preview">
        <p>
          {size_bytes > MAX_TEXT
            ? "The file is too long to be shown here."
            : "A file of this type is not shown in the browser."}{" "}
          You can download it.
        </p>
      </Empty>
    );
  }
  return <TextPreview room={room} artifact={artifact} scope={scope} />;
}

function TextPreview({ room, artifact, scope }: PreviewProps) {
  const content = useQuery(artifactTextQuery(room, artifact.path, scope));
  if (content.isPending) {
    return (
      <div className="card-body">
        <Skeleton lines={2} />
      </div>
    );
  }
  if (content.error) return <Problem error={content.error} />;
  if (/markdown/.test(artifact.media_type) || artifact.path.endsWith(".md")) {
    return (
      <div className="card-body reading">
        <Markdown source={content.data} />
      </div>
    );
  }
  return (
    <pre className="code-block tall" tabIndex={0} aria-label={artifact.path}>
      {content.data}
    </pre>
  );
}
