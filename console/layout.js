// A small layered layout for the graph of a state machine: states in rows from the start downwards, few crossings, room for
// labels. Gives numbers only; graph.js draws them.

export const NODE = { width: 168, height: 40, gapX: 26, gapY: 40 };

/**
 * Place the states of a workflow. `edges` are {from, to, label, error}; `start` is the first state.
 * Gives {nodes: Map(name → {x, y, row}), edges: [{…edge, points: [{x, y}, …], back}], width, height}; x and y are centres.
 */
export function layout({ states, edges, start }) {
  const names = states.map((state) => state.name);
  const known = new Set(names);
  const real = edges.filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to);
  const first = known.has(start) ? start : firstOf(names, real);
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
    points: (chains.get(edge) ?? [edge.from, edge.to]).map((id) => places.get(id)),
  }));
  const nodes = new Map(names.map((name) => [name, places.get(name)]));
  const spare = back.size ? 40 : 0; // the way back runs beside everything
  return { nodes, edges: placed, width: width + spare, height: rows.length * (NODE.height + NODE.gapY) - NODE.gapY };
}

function firstOf(names, edges) {
  const reached = new Set(edges.map((edge) => edge.to));
  return names.find((name) => !reached.has(name)) ?? names[0];
}

/** Edges that lead back to a state on the way to them: the loops of a workflow. */
function backEdges(names, edges, first) {
  const back = new Set();
  const state = new Map();
  const visit = (name) => {
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

/** Rows of names: each state below everything that leads to it. */
function toRows(names, edges) {
  const level = new Map(names.map((name) => [name, 0]));
  // As many passes as states are enough, because there are no loops.
  for (let pass = 0; pass < names.length; pass++) {
    let moved = false;
    for (const { from, to } of edges) {
      if (level.get(to) < level.get(from) + 1) {
        level.set(to, level.get(from) + 1);
        moved = true;
      }
    }
    if (!moved) break;
  }
  const rows = Array.from({ length: names.length ? Math.max(...level.values()) + 1 : 0 }, () => []);
  for (const name of names) rows[level.get(name)].push(name);
  return rows;
}

/** A long edge bends once in each row that it passes; the bends take part in the order. Gives edge → [ids on its way]. */
function addBends(rows, edges) {
  const level = new Map(rows.flatMap((row, index) => row.map((name) => [name, index])));
  const chains = new Map();
  for (const [number, edge] of edges.entries()) {
    const chain = [edge.from];
    for (let row = level.get(edge.from) + 1; row < level.get(edge.to); row++) {
      const bend = `\u0000${number}.${row}`; // no state has such a name
      rows[row].push(bend);
      chain.push(bend);
    }
    chain.push(edge.to);
    chains.set(edge, chain);
  }
  return chains;
}

const isBend = (id) => id.startsWith("\u0000");

/** Sort each row by the mean place of its neighbours, downwards and upwards, some times. */
function order(rows, chains) {
  const above = new Map();
  const below = new Map();
  const push = (map, key, value) => map.set(key, [...(map.get(key) ?? []), value]);
  for (const chain of chains.values()) {
    for (let index = 1; index < chain.length; index++) {
      push(above, chain[index], chain[index - 1]);
      push(below, chain[index - 1], chain[index]);
    }
  }
  const sort = (row, next, neighbours) => {
    const place = new Map(next.map((id, index) => [id, index / Math.max(1, next.length - 1)]));
    const weight = new Map(
      row.map((id, index) => {
        const near = (neighbours.get(id) ?? []).filter((each) => place.has(each)).map((each) => place.get(each));
        return [id, near.length ? near.reduce((a, b) => a + b, 0) / near.length : index / Math.max(1, row.length - 1)];
      }),
    );
    row.sort((a, b) => weight.get(a) - weight.get(b));
  };
  for (let pass = 0; pass < 4; pass++) {
    for (let row = 1; row < rows.length; row++) sort(rows[row], rows[row - 1], above);
    for (let row = rows.length - 2; row >= 0; row--) sort(rows[row], rows[row + 1], below);
  }
}

const widthOf = (id) => (isBend(id) ? 14 : NODE.width);
const rowWidth = (row) => row.reduce((sum, id) => sum + widthOf(id) + NODE.gapX, -NODE.gapX);

/** Centres of all ids; rows are centred, then drawn towards their neighbours as far as the row has room. */
function place(rows, width, chains) {
  const places = new Map();
  for (const [index, row] of rows.entries()) {
    let x = (width - rowWidth(row)) / 2;
    for (const id of row) {
      places.set(id, { x: x + widthOf(id) / 2, y: index * (NODE.height + NODE.gapY) + NODE.height / 2, row: index });
      x += widthOf(id) + NODE.gapX;
    }
  }
  const neighbours = new Map();
  for (const chain of chains.values()) {
    for (let index = 1; index < chain.length; index++) {
      for (const [a, b] of [[chain[index], chain[index - 1]], [chain[index - 1], chain[index]]]) {
        neighbours.set(a, [...(neighbours.get(a) ?? []), b]);
      }
    }
  }
  for (let pass = 0; pass < 6; pass++) {
    for (const row of pass % 2 ? [...rows].reverse() : rows) {
      for (const [index, id] of row.entries()) {
        const near = (neighbours.get(id) ?? []).map((each) => places.get(each).x);
        if (!near.length) continue;
        const wanted = near.reduce((a, b) => a + b, 0) / near.length;
        const before = row[index - 1];
        const after = row[index + 1];
        const room = (other) => (widthOf(id) + widthOf(other)) / 2 + NODE.gapX;
        const low = before === undefined ? widthOf(id) / 2 : places.get(before).x + room(before);
        const high = after === undefined ? width - widthOf(id) / 2 : places.get(after).x - room(after);
        places.get(id).x = Math.min(Math.max(wanted, low), Math.max(low, high));
      }
    }
  }
  return places;
}
