// The column of a wave, behind its epics.

import type { Node, NodeProps } from "@xyflow/react";
import { plural } from "../../lib/format";

export type WaveNodeData = { wave: number; epics: number };

export function WaveNode({ data }: NodeProps<Node<WaveNodeData>>) {
  return (
    <div className="wave-node">
      <strong>Wave {data.wave + 1}</strong>
      <span>{plural(data.epics, "epic")}</span>
    </div>
  );
}
