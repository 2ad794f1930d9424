// The plan as a graph: a column for each wave, live.

import {
  Background,
  Panel,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  type Edge,
  type Node,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "./graph.css";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState, type KeyboardEvent } from "react";
import { dagQuery, type Scope } from "../../api/queries";
import type { Board, Dag } from "../../api/types";
import { layout, NODE_HEIGHT, NODE_WIDTH, pathOf } from "../../lib/dagLayout";
import { useHotkeys } from "../../lib/hotkeys";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { EpicNode, type EpicNodeData } from "./EpicNode";
import { EpicPanel } from "./EpicPanel";
import { WaveNode, type WaveNodeData } from "./WaveNode";

const TYPES = { epic: EpicNode, wave: WaveNode };
const FIT = { padding: 0.08, maxZoom: 1.1, minZoom: 0.35 };

interface Props {
  board: Board;
  scope: Scope;
}

export default function PlanGraph({ board, scope }: Props) {
  const dag = useQuery(dagQuery(board.plan_id, scope));
  if (dag.isPending) return <Skeleton lines={1} height={360} />;
  if (dag.error) return <Problem error={dag.error} retry={() => void dag.refetch()} />;
  if (dag.data.nodes.length === 0) {
    return (
      <Empty icon="plans" title="This plan has no epics yet">
        <p>The review of the plan asks for them when it runs.</p>
      </Empty>
    );
  }
  return (
    <ReactFlowProvider>
      <Graph dag={dag.data} board={board} />
    </ReactFlowProvider>
  );
}

function Graph({ dag, board }: { dag: Dag; board: Board }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const flow = useReactFlow();
  // Only the shape moves nodes: states and bars change in place.
  const shape = JSON.stringify([dag.nodes.map(({ epic, wave }) => [epic, wave]), dag.edges]);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `shape` stands for the parts of `dag` that count
  const placed = useMemo(() => layout(dag), [shape]);
  const focus = useMemo(() => (chosen ? pathOf(dag, chosen) : null), [dag, chosen]);
  const rows = useMemo(() => new Map(board.rows.map((row) => [row.epic, row])), [board.rows]);

  const nodes = useMemo((): Node[] => {
    const known = new Map(dag.nodes.map((node) => [node.epic, node]));
    const columns = placed.columns.map(({ wave, x }): Node<WaveNodeData> => ({
      id: `wave-${wave}`,
      type: "wave",
      position: { x: x - 20, y: -52 },
      width: NODE_WIDTH + 40,
      height: placed.height + 72,
      data: { wave, epics: dag.waves[wave]?.length ?? 0 },
      selectable: false,
      focusable: false,
      draggable: false,
      zIndex: -1,
    }));
    const epics = placed.nodes.flatMap(({ epic, x, y }): Node<EpicNodeData>[] => {
      const node = known.get(epic);
      if (!node) return [];
      const message = rows.get(epic)?.message ?? null;
      const dim = focus !== null && !focus.has(epic);
      return [
        {
          id: epic,
          type: "epic",
          position: { x, y },
          width: NODE_WIDTH,
          height: NODE_HEIGHT,
          data: { node, message, dim, chosen: epic === chosen },
          ariaLabel: `${epic}, ${node.title}: ${node.display.word}, ${node.percent}%`,
          draggable: false,
        },
      ];
    });
    return [...columns, ...epics];
  }, [dag, placed, rows, focus, chosen]);

  const edges = useMemo(
    (): Edge[] =>
      dag.edges.map(({ from, to, critical }) => {
        const dim = focus !== null && !(focus.has(from) && focus.has(to));
        const done = dag.nodes.find(({ epic }) => epic === from)?.passed ?? false;
        const names = [critical && "critical", dim && "dim", done && "done"].filter(Boolean);
        return {
          id: `${from}>${to}`,
          source: from,
          target: to,
          className: names.join(" "),
          focusable: false,
          selectable: false,
        };
      }),
    [dag, focus],
  );

  const box = useRef<HTMLDivElement>(null);
  const leave = () => {
    if (!chosen) return;
    // Whoever was in the panel is at its epic again.
    if (box.current?.querySelector(".epic-panel")?.contains(document.activeElement)) {
      box.current.querySelector<HTMLElement>(`[data-id="${CSS.escape(chosen)}"]`)?.focus();
    }
    setChosen(null);
  };
  const fit = () => void flow.fitView({ ...FIT, duration: 200 });
  useHotkeys({
    "+": () => void flow.zoomIn({ duration: 120 }),
    "=": () => void flow.zoomIn({ duration: 120 }),
    "-": () => void flow.zoomOut({ duration: 120 }),
    "0": fit,
    Escape: leave,
  });
  /** A key on a node: the first Enter shows its epic, the second goes to what is said about it. */
  const onKey = (event: KeyboardEvent<HTMLDivElement>) => {
    const { key, target } = event;
    const id = target instanceof HTMLElement ? target.dataset["id"] : undefined;
    if (!id || !rows.has(id) || (key !== "Enter" && key !== " ")) return;
    event.preventDefault();
    const panel = box.current?.querySelector<HTMLElement>(".epic-panel");
    if (id === chosen) panel?.querySelector<HTMLElement>("a.btn, button")?.focus();
    else setChosen(id);
  };
  const row = chosen ? rows.get(chosen) : undefined;
  return (
    <div className="graph card" ref={box} onKeyDown={onKey}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={TYPES}
        fitView
        fitViewOptions={FIT}
        minZoom={0.2}
        maxZoom={1.6}
        nodesConnectable={false}
        nodesDraggable={false}
        edgesFocusable={false}
        onNodeClick={(_, node) => node.type === "epic" && setChosen(node.id)}
        onPaneClick={() => setChosen(null)}
      >
        <Background gap={22} size={1.2} />
        <Panel position="bottom-left" className="graph-tools">
          <button
            type="button"
            className="btn icon s"
            aria-label="Zoom in"
            onClick={() => void flow.zoomIn()}
          >
            <Icon name="plus" size={14} />
          </button>
          <button
            type="button"
            className="btn icon s"
            aria-label="Zoom out"
            onClick={() => void flow.zoomOut()}
          >
            <Icon name="minus" size={14} />
          </button>
          <button
            type="button"
            className="btn icon s"
            aria-label="Show the whole graph"
            onClick={fit}
          >
            <Icon name="fit" size={14} />
          </button>
          <span className="graph-key small">
            <i aria-hidden="true" /> critical path
          </span>
        </Panel>
      </ReactFlow>
      {chosen && (
        <EpicPanel
          node={dag.nodes.find(({ epic }) => epic === chosen)}
          row={row}
          project={board.project}
          onClose={leave}
        />
      )}
    </div>
  );
}
