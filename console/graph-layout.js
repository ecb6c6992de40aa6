// @ts-check
// A small layered layout for the graph of a state machine: states in rows from the start downwards, few crossings,
// room for labels. Gives numbers only; workflow-graph.js draws them.

/** @import { Point, WorkflowEdge } from "./types.d.ts" */

/** @typedef {{ x: number, y: number, row: number }} Place the centre of a state */
/** @typedef {WorkflowEdge & { back: boolean, points: Point[] }} PlacedEdge `back`: to a state on the way to it */
/** @typedef {{ nodes: Map<string, Place>, edges: PlacedEdge[], width: number, height: number }} Layout */
/** @typedef {string[][]} Rows ids of states and bends */
/** @typedef {Map<WorkflowEdge, string[]>} Chains edge → ids on its way */

export const NODE = { width: 168, height: 40, gapX: 26, gapY: 40 };

/**
 * Place the states of a workflow.
 * @param {{ states: { name: string }[], edges: WorkflowEdge[], start?: string | undefined }} workflow
 * @returns {Layout}
 */
export function layout({ states, edges, start }) {
  const names = states.map((state) => state.name);
  const known = new Set(names);
  const real = edges.filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to);
  const first = start !== undefined && known.has(start) ? start : firstOf(names, real);
  const back = backEdges(names, real, first);
  const forward = real.filter((edge) => !back.has(edge));
  const rows = toRows(names, forward);
  const chains = addBends(rows, forward);
  order(rows, chains);
  const width = Math.max(1, ...rows.map((row) => rowWidth(row)));
  const places = place(rows, width, chains);
  const placed = real.map((edge) => ({
    ...edge,
    back: back.has(edge),
    points: (chains.get(edge) ?? [edge.from, edge.to]).map((id) => placeOf(places, id)),
  }));
  const nodes = new Map(names.map((name) => [name, placeOf(places, name)]));
  const spare = back.size ? 40 : 0; // the way back runs beside everything
  return { nodes, edges: placed, width: width + spare, height: rows.length * (NODE.height + NODE.gapY) - NODE.gapY };
}

/**
 * @param {Map<string, Place>} places
 * @param {string} id
 */
function placeOf(places, id) {
  const found = places.get(id);
  if (!found) throw new Error(`${id} has no place`);
  return found;
}

/**
 * @param {string[]} names
 * @param {WorkflowEdge[]} edges
 */
function firstOf(names, edges) {
  const reached = new Set(edges.map((edge) => edge.to));
  return names.find((name) => !reached.has(name)) ?? names[0];
}

/**
 * Edges that lead back to a state on the way to them: the loops of a workflow.
 * @param {string[]} names
 * @param {WorkflowEdge[]} edges
 * @param {string | undefined} first
 */
function backEdges(names, edges, first) {
  /** @type {Set<WorkflowEdge>} */
  const back = new Set();
  /** @type {Map<string, "open" | "done">} */
  const state = new Map();
  const visit = (/** @type {string} */ name) => {
    state.set(name, "open");
    for (const edge of edges.filter((each) => each.from === name)) {
      if (state.get(edge.to) === "open") back.add(edge);
      else if (!state.has(edge.to)) visit(edge.to);
    }
    state.set(name, "done");
  };
  for (const name of [first, ...names]) if (name !== undefined && !state.has(name)) visit(name);
  return back;
}

/**
 * Rows of names: each state below everything that leads to it.
 * @param {string[]} names
 * @param {WorkflowEdge[]} edges
 * @returns {Rows}
 */
function toRows(names, edges) {
  const level = new Map(names.map((name) => [name, 0]));
  const levelOf = (/** @type {string} */ name) => level.get(name) ?? 0;
  // As many passes as states are enough, because there are no loops.
  for (let pass = 0; pass < names.length; pass++) {
    let moved = false;
    for (const { from, to } of edges) {
      if (levelOf(to) < levelOf(from) + 1) {
        level.set(to, levelOf(from) + 1);
        moved = true;
      }
    }
    if (!moved) break;
  }
  /** @type {Rows} */
  const rows = Array.from({ length: names.length ? Math.max(...level.values()) + 1 : 0 }, () => []);
  for (const name of names) rows[levelOf(name)]?.push(name);
  return rows;
}

/**
 * A long edge bends once in each row that it passes; the bends take part in the order.
 * @param {Rows} rows
 * @param {WorkflowEdge[]} edges
 * @returns {Chains}
 */
function addBends(rows, edges) {
  const level = new Map(rows.flatMap((row, index) => row.map((name) => [name, index])));
  const chains = new Map();
  for (const [number, edge] of edges.entries()) {
    const chain = [edge.from];
    for (let row = (level.get(edge.from) ?? 0) + 1; row < (level.get(edge.to) ?? 0); row++) {
      const bend = `\u0000${number}.${row}`; // no state has such a name
      rows[row]?.push(bend);
      chain.push(bend);
    }
    chain.push(edge.to);
    chains.set(edge, chain);
  }
  return chains;
}

/** @param {string} id */
const isBend = (id) => id.startsWith("\u0000");

/** @param {number[]} numbers */
const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/**
 * Which ids lie above and below each id, one step away.
 * @param {Chains} chains
 */
function neighboursOf(chains) {
  /** @type {Map<string, string[]>} */
  const above = new Map();
  /** @type {Map<string, string[]>} */
  const below = new Map();
  for (const chain of chains.values()) {
    for (const [index, id] of chain.entries()) {
      const before = chain[index - 1];
      if (before === undefined) continue;
      above.set(id, [...(above.get(id) ?? []), before]);
      below.set(before, [...(below.get(before) ?? []), id]);
    }
  }
  return { above, below };
}

/**
 * Sort each row by the mean place of its neighbours, downwards and upwards, some times.
 * @param {Rows} rows
 * @param {Chains} chains
 */
function order(rows, chains) {
  const { above, below } = neighboursOf(chains);
  for (let pass = 0; pass < 4; pass++) {
    for (const [index, row] of rows.entries()) sortRow(row, rows[index - 1], above);
    for (const [index, row] of [...rows.entries()].reverse()) sortRow(row, rows[index + 1], below);
  }
}

/**
 * @param {string[]} row
 * @param {string[] | undefined} next the row beside it
 * @param {Map<string, string[]>} neighbours
 */
function sortRow(row, next, neighbours) {
  if (!next) return;
  const share = new Map(next.map((id, index) => [id, index / Math.max(1, next.length - 1)]));
  const weight = new Map(
    row.map((id, index) => {
      const near = (neighbours.get(id) ?? []).flatMap((each) => share.get(each) ?? []);
      return [id, near.length ? mean(near) : index / Math.max(1, row.length - 1)];
    }),
  );
  row.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0));
}

/** @param {string} id */
const widthOf = (id) => (isBend(id) ? 14 : NODE.width);
/** @param {string[]} row */
const rowWidth = (row) => row.reduce((sum, id) => sum + widthOf(id) + NODE.gapX, -NODE.gapX);

/**
 * Centres of all ids; rows are centred, then drawn towards their neighbours as far as the row has room.
 * @param {Rows} rows
 * @param {number} width
 * @param {Chains} chains
 */
function place(rows, width, chains) {
  /** @type {Map<string, Place>} */
  const places = new Map();
  for (const [index, row] of rows.entries()) {
    let x = (width - rowWidth(row)) / 2;
    for (const id of row) {
      places.set(id, { x: x + widthOf(id) / 2, y: index * (NODE.height + NODE.gapY) + NODE.height / 2, row: index });
      x += widthOf(id) + NODE.gapX;
    }
  }
  const { above, below } = neighboursOf(chains);
  const neighbours = (/** @type {string} */ id) => [...(above.get(id) ?? []), ...(below.get(id) ?? [])];
  for (let pass = 0; pass < 6; pass++) {
    for (const row of pass % 2 ? [...rows].reverse() : rows) {
      for (const index of row.keys()) drawTowards(row, index, neighbours, places, width);
    }
  }
  return places;
}

/**
 * Move one id towards the mean of its neighbours.
 * @param {string[]} row
 * @param {number} index
 * @param {(id: string) => string[]} neighbours
 * @param {Map<string, Place>} places
 * @param {number} width
 */
function drawTowards(row, index, neighbours, places, width) {
  const id = row[index] ?? "";
  const near = neighbours(id).map((each) => placeOf(places, each).x);
  if (!near.length) return;
  const before = row[index - 1];
  const after = row[index + 1];
  const room = (/** @type {string} */ other) => (widthOf(id) + widthOf(other)) / 2 + NODE.gapX;
  const low = before === undefined ? widthOf(id) / 2 : placeOf(places, before).x + room(before);
  const high = after === undefined ? width - widthOf(id) / 2 : placeOf(places, after).x - room(after);
  placeOf(places, id).x = Math.min(Math.max(mean(near), low), Math.max(low, high));
}
