// One epic in the graph.

import { Handle, Position, type Node, type NodeProps } from "@xyflow/react";
import { memo } from "react";
import type { DagNode } from "../../api/types";
import { Icon } from "../../ui/Icon";
import { Role } from "../../ui/Role";
import { Bar } from "../../ui/State";

export type EpicNodeData = {
  node: DagNode;
  message: string | null;
  dim: boolean;
  chosen: boolean;
};

export const EpicNode = memo(function EpicNode({ data }: NodeProps<Node<EpicNodeData>>) {
  const { node, dim, chosen } = data;
  const { tone, word } = node.display;
  const names = ["epic-node", `tone-${tone}`];
  if (dim) names.push("dim");
  if (chosen) names.push("chosen");
  if (node.critical) names.push("critical");
  return (
    <div className={names.join(" ")} data-epic={node.epic} data-tone={tone}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <div className="epic-top">
        <Icon name={tone} size={15} className={tone === "active" ? "spin" : undefined} />
        <span className="epic-word clip">{word}</span>
        <span className="mono epic-id">{node.epic}</span>
      </div>
      <p className="epic-title">{node.title}</p>
      <div className="epic-foot">
        <Role role={node.role} />
        <div className="epic-bar">
          <Bar percent={node.percent} tone={tone} label={`Progress of ${node.epic}`} />
        </div>
        <span className="num epic-pct">{node.percent}%</span>
      </div>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
});
