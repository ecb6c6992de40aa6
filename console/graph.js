// The graph of a state machine as SVG, with the states in which executions are.

import { h, svg } from "./dom.js";
import { layout, NODE } from "./layout.js";

const PAD = 14;
const LINE = 22; // letters that fit beside each other in a state

/** `workflow` is what the API says of a machine; `current` maps the name of a state to how many executions are in it. */
export function drawGraph(workflow, current) {
  const plan = layout(workflow);
  const width = plan.width + 2 * PAD;
  const height = plan.height + 2 * PAD;
  const kinds = new Map(workflow.states.map((state) => [state.name, state.type]));
  const picture = svg("svg", { viewBox: `${-PAD} ${-PAD} ${width} ${height}`, width, height, class: "graph", role: "img", "aria-label": describe(workflow, current) });
  const head = `head-${workflow.machine.replace(/\W/g, "-")}`;
  picture.append(
    svg("defs", {}, svg("marker", { id: head, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M 0 0 L 8 4 L 0 8 z", class: "arrow-head" }))),
  );
  const sides = new Map(); // how many ways lead back on the right already
  for (const edge of plan.edges) {
    const path = edge.back ? wayBack(edge, plan, sides) : wayDown(edge.points);
    const title = [edge.from, "→", edge.to, edge.label && `(${edge.label})`].filter(Boolean).join(" ");
    picture.append(svg("path", { d: path, class: edge.error ? "edge error" : "edge", "marker-end": `url(#${head})` }, svg("title", {}, title)));
  }
  for (const [name, place] of plan.nodes) picture.append(drawState(name, kinds.get(name), place, current.get(name) ?? 0));
  return h("div", { class: "graph-frame", tabindex: 0, role: "region", "aria-label": `States of ${workflow.machine}` }, picture);
}

function describe(workflow, current) {
  const running = [...current].map(([state, number]) => `${number} in ${state}`);
  return `Workflow ${workflow.machine}: ${workflow.states.length} states; ${running.length ? `running: ${running.join(", ")}` : "nothing running"}`;
}

function drawState(name, kind, { x, y }, running) {
  const isEnd = kind === "Succeed" || kind === "Fail";
  const classes = ["state", kind.toLowerCase(), running ? "current" : ""].filter(Boolean).join(" ");
  const group = svg("g", { class: classes, transform: `translate(${x} ${y})` });
  const { width, height } = NODE;
  if (kind === "Choice") {
    const cut = 14;
    const [right, bottom] = [width / 2, height / 2];
    group.append(svg("path", { d: `M ${-right + cut} ${-bottom} H ${right - cut} L ${right} 0 L ${right - cut} ${bottom} H ${-right + cut} L ${-right} 0 Z` }));
  } else {
    group.append(svg("rect", { x: -width / 2, y: -height / 2, width, height, rx: isEnd ? height / 2 : 7 }));
  }
  const lines = wrap(name);
  for (const [index, line] of lines.entries()) {
    group.append(svg("text", { y: (index - (lines.length - 1) / 2) * 14 + 4.5 }, line));
  }
  if (running) {
    group.append(svg("circle", { cx: width / 2 - 2, cy: -height / 2 + 2, r: 10, class: "count" }));
    group.append(svg("text", { x: width / 2 - 2, y: -height / 2 + 6, class: "count" }, String(running)));
  }
  group.append(svg("title", {}, running ? `${name}: ${running} running` : name));
  return group;
}

/** "OpenVerificationJob" in lines that fit. */
export function wrap(name) {
  const words = name.match(/[A-Z]?[^A-Z]+|[A-Z]+(?![a-z])/g) ?? [name];
  const lines = [""];
  for (const word of words) {
    const joined = [lines.at(-1), word].filter(Boolean).join(" ");
    if (joined.length <= LINE || !lines.at(-1)) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines.slice(0, 2);
}

function wayDown(points) {
  const places = points.map((point, index) => ({
    x: point.x,
    y: index === 0 ? point.y + NODE.height / 2 : index === points.length - 1 ? point.y - NODE.height / 2 : point.y,
  }));
  let path = `M ${places[0].x} ${places[0].y}`;
  for (let index = 1; index < places.length; index++) {
    const a = places[index - 1];
    const b = places[index];
    const half = (a.y + b.y) / 2;
    path += ` C ${a.x} ${half} ${b.x} ${half} ${b.x} ${b.y}`;
  }
  return path;
}

/** A loop goes up on the right of everything, each on a line of its own. */
function wayBack(edge, plan, sides) {
  const [from, to] = [edge.points[0], edge.points.at(-1)];
  const lane = sides.size;
  sides.set(edge, lane);
  const right = plan.width - 30 + lane * 9;
  const start = from.x + NODE.width / 2;
  const end = to.x + NODE.width / 2;
  return `M ${start} ${from.y} H ${right - 10} Q ${right} ${from.y} ${right} ${from.y - 10} V ${to.y + 10} Q ${right} ${to.y} ${right - 10} ${to.y} H ${end + 2}`;
}
