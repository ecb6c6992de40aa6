// @ts-check
// The graph of a state machine as SVG, with the states in which executions are.

import { h, svg } from "./dom.js";
import { layout, NODE } from "./graph-layout.js";
import { texts } from "./texts.js";

/** @import { Point, Workflow } from "./types.d.ts" */
/** @import { Layout, PlacedEdge } from "./graph-layout.js" */

const PAD = 14;
const LINE = 22; // letters that fit beside each other in a state
const CUT = 14; // of the corners of a choice

/**
 * @param {Workflow} workflow
 * @param {Map<string, number>} current state → how many executions are in it
 */
export function drawGraph(workflow, current) {
  const plan = layout(workflow);
  const width = plan.width + 2 * PAD;
  const height = plan.height + 2 * PAD;
  const kinds = new Map(workflow.states.map((state) => [state.name, state.type]));
  const viewBox = `${-PAD} ${-PAD} ${width} ${height}`;
  const label = describe(workflow, current);
  const picture = svg("svg", { viewBox, width, height, class: "graph", role: "img", "aria-label": label });
  const head = `head-${workflow.machine.replace(/\W/g, "-")}`;
  picture.append(svg("defs", {}, arrowHead(head)), ...drawEdges(plan, head));
  for (const [name, place] of plan.nodes) {
    picture.append(drawState(name, kinds.get(name) ?? "", place, current.get(name) ?? 0));
  }
  const options = { tabindex: 0, role: "region", "aria-label": texts.workflowGraph.states(workflow.machine) };
  return h("div", { class: "graph-frame", ...options }, picture);
}

/**
 * @param {Workflow} workflow
 * @param {Map<string, number>} current
 */
function describe({ machine, states }, current) {
  const running = [...current].map(([state, number]) => texts.workflowGraph.running(number, state));
  return texts.workflowGraph.description(machine, states.length, running);
}

/** @param {string} id */
function arrowHead(id) {
  const size = { viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7 };
  const path = svg("path", { d: "M 0 0 L 8 4 L 0 8 z", class: "arrow-head" });
  return svg("marker", { id, ...size, orient: "auto" }, path);
}

/**
 * @param {Layout} plan
 * @param {string} head
 */
function drawEdges(plan, head) {
  let lanes = 0; // how many ways lead back on the right already
  return plan.edges.map((edge) => {
    const path = edge.back ? wayBack(edge, plan.width - 30 + lanes++ * 9) : wayDown(edge.points);
    const title = [edge.from, "→", edge.to, edge.label && `(${edge.label})`].filter(Boolean).join(" ");
    const options = { d: path, class: edge.error ? "edge error" : "edge", "marker-end": `url(#${head})` };
    return svg("path", options, svg("title", {}, title));
  });
}

/**
 * @param {string} name
 * @param {string} kind
 * @param {Point} place
 * @param {number} running
 */
function drawState(name, kind, { x, y }, running) {
  const classes = ["state", kind.toLowerCase(), running ? "current" : ""].filter(Boolean).join(" ");
  const group = svg("g", { class: classes, transform: `translate(${x} ${y})` }, outline(kind));
  const lines = wrap(name);
  for (const [index, line] of lines.entries()) {
    group.append(svg("text", { y: (index - (lines.length - 1) / 2) * 14 + 4.5 }, line));
  }
  if (running) {
    const corner = { x: NODE.width / 2 - 2, y: -NODE.height / 2 + 2 };
    group.append(svg("circle", { cx: corner.x, cy: corner.y, r: 10, class: "count" }));
    group.append(svg("text", { x: corner.x, y: corner.y + 4, class: "count" }, String(running)));
  }
  group.append(svg("title", {}, texts.workflowGraph.state(name, running)));
  return group;
}

/**
 * A choice has cut corners, an end is round.
 * @param {string} kind
 */
function outline(kind) {
  const { width, height } = NODE;
  const [right, bottom] = [width / 2, height / 2];
  if (kind === "Choice") {
    const upper = `M ${-right + CUT} ${-bottom} H ${right - CUT} L ${right} 0`;
    return svg("path", { d: `${upper} L ${right - CUT} ${bottom} H ${-right + CUT} L ${-right} 0 Z` });
  }
  const isEnd = kind === "Succeed" || kind === "Fail";
  return svg("rect", { x: -right, y: -bottom, width, height, rx: isEnd ? height / 2 : 7 });
}

/**
 * "OpenVerificationJob" in lines that fit.
 * @param {string} name
 */
export function wrap(name) {
  const words = name.match(/[A-Z]?[^A-Z]+|[A-Z]+(?![a-z])/g) ?? [name];
  const lines = [""];
  for (const word of words) {
    const last = lines.at(-1) ?? "";
    const joined = [last, word].filter(Boolean).join(" ");
    if (joined.length <= LINE || !last) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines.slice(0, 2);
}

/** @param {Point[]} points */
function wayDown(points) {
  let path = "";
  let before = { x: 0, y: 0 };
  for (const [index, { x, y }] of points.entries()) {
    const isFirst = index === 0;
    const place = { x, y: isFirst ? y + NODE.height / 2 : index === points.length - 1 ? y - NODE.height / 2 : y };
    const half = (before.y + place.y) / 2;
    path += isFirst ? `M ${x} ${place.y}` : ` C ${before.x} ${half} ${x} ${half} ${x} ${place.y}`;
    before = place;
  }
  return path;
}

/**
 * A loop goes up on the right of everything, each on a line of its own.
 * @param {PlacedEdge} edge
 * @param {number} right
 */
function wayBack({ points }, right) {
  const [from, to] = [points[0], points.at(-1)];
  if (!from || !to) return "";
  const start = from.x + NODE.width / 2;
  const end = to.x + NODE.width / 2;
  const up = `M ${start} ${from.y} H ${right - 10} Q ${right} ${from.y} ${right} ${from.y - 10}`;
  return `${up} V ${to.y + 10} Q ${right} ${to.y} ${right - 10} ${to.y} H ${end + 2}`;
}
