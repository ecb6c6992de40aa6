import { wrap } from "/console/workflow-graph.js";
import { layout, NODE } from "/console/graph-layout.js";
import { equal, holds, randomNumbers } from "./check.js";

const graph = (names, edges) => ({
  start: names[0],
  states: names.map((name) => ({ name, type: "Task" })),
  edges: edges.map(([from, to]) => ({ from, to, label: "" })),
});

function check(workflow) {
  const plan = layout(workflow);
  const nodes = [...plan.nodes];
  equal(nodes.length, workflow.states.length);
  for (const [index, [name, a]] of nodes.entries()) {
    holds(a.x >= NODE.width / 2 - 1 && a.x <= plan.width, `${name} is in the picture`);
    for (const [other, b] of nodes.slice(index + 1)) {
      const apart = Math.abs(a.x - b.x) >= NODE.width || Math.abs(a.y - b.y) >= NODE.height;
      holds(apart, `${name} and ${other} lie apart: ${JSON.stringify([a, b])}`);
    }
  }
  for (const edge of plan.edges.filter((each) => !each.back)) {
    holds(plan.nodes.get(edge.from).y < plan.nodes.get(edge.to).y, `${edge.from} is above ${edge.to}`);
  }
  return plan;
}

export const tests = {
  "states lie apart, in their order, and loops are known": () => {
    const plan = check(graph(["A", "B", "C", "D"], [["A", "B"], ["B", "C"], ["C", "A"], ["C", "D"], ["A", "D"]]));
    equal(plan.edges.filter((edge) => edge.back).map((edge) => [edge.from, edge.to]), [["C", "A"]]);
  },
  "any graph can be laid out": () => {
    const random = randomNumbers(5);
    for (let round = 0; round < 60; round++) {
      const names = Array.from({ length: 1 + Math.floor(random() * 22) }, (_, index) => `S${index}`);
      const some = () => names[Math.floor(random() * names.length)];
      check(graph(names, Array.from({ length: Math.floor(random() * 40) }, () => [some(), some()])));
    }
  },
  "an empty workflow, an edge to nowhere and a state of its own do no harm": () => {
    check(graph([], []));
    check(graph(["A", "B"], [["A", "Nowhere"], ["A", "A"]]));
  },
  "names are broken between their words": () => {
    equal(wrap("OpenVerificationJob"), ["Open Verification Job"]);
    equal(wrap("CreateComponentVersionForTheFleet"), ["Create Component", "Version For The Fleet"]);
    equal(wrap("A"), ["A"]);
  },
};
