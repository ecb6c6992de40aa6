"""One workflow as an SVG: states in layers from top to bottom, arrows between them, errors in a lane of their own."""

import itertools
import re
from dataclasses import dataclass, field
from html import escape

from scripts.states_language import State, Workflow
from sightline.api.workflow_graph import next_states

WIDTH, HEIGHT, ACROSS, DOWN, PAD = 164, 40, 22, 46, 14  # pixels: a state, the space between states, the edge
LINE = 22  # letters that fit beside each other in a state
SWEEPS = 8

STYLE = """<style>
text { font: 12px system-ui, sans-serif; text-anchor: middle; fill: #111827; }
.task { fill: #ffffff; stroke: #0f766e; stroke-width: 1.3; }
.choice { fill: #fef3c7; stroke: #b45309; stroke-width: 1.3; }
.end { fill: #ecfdf5; stroke: #0f766e; stroke-width: 1.3; }
.fail { fill: #fef2f2; stroke: #b91c1c; stroke-width: 1.3; }
.arrow { stroke: #6b7280; stroke-width: 1.4; fill: none; }
.head { fill: #6b7280; }
@media (prefers-color-scheme: dark) {
text { fill: #e5e7eb; }
.task { fill: #111827; stroke: #2dd4bf; }
.choice { fill: #292013; stroke: #f59e0b; }
.end { fill: #06231f; stroke: #2dd4bf; }
.fail { fill: #2a1214; stroke: #f87171; }
.arrow { stroke: #9ca3af; }
.head { fill: #9ca3af; }
}
</style>"""


@dataclass
class Plan:
    """Where the states stand. A way over several layers passes through nameless points, such as `A>C#1`."""

    layers: list[list[str]] = field(default_factory=list)
    chains: list[list[str]] = field(default_factory=list)  # the points of each way down
    back: list[tuple[str, str]] = field(default_factory=list)  # ways up: from, to


def draw(definition: Workflow, title: str) -> str:
    """Return the SVG of a workflow. Conditions and errors are left out: the table below the picture has them."""
    states = definition["States"]
    plan = layout(definition)
    places = positions(plan)
    width = max(x for x, _ in places.values()) + WIDTH / 2 + PAD + (60 if plan.back else 0)
    height = max(y for _, y in places.values()) + HEIGHT / 2 + PAD
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" role="img" aria-label="{escape(title)}">'
        ),
        STYLE,
        (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto">'
            '<path class="head" d="M 0 0 L 8 4 L 0 8 z"/></marker></defs>'
        ),
    ]
    parts += [way_down([places[point] for point in chain]) for chain in plan.chains]
    parts += [way_up(places[start], places[end], width - 16 - 12 * n) for n, (start, end) in enumerate(plan.back)]
    parts += [shape(name, states[name], places[name]) for layer in plan.layers for name in layer if name in states]
    return "\n".join([*parts, "</svg>", ""])


def layout(definition: Workflow) -> Plan:
    """Return the states in layers, each below all that lead to it, with few crossings."""
    states = definition["States"]
    edges = [(name, target) for name, body in states.items() for target, _ in next_states(body)]
    upward = ways_back(definition["StartAt"], states)
    down = [edge for edge in edges if edge not in upward]
    depth = depths(list(states), down, definition["StartAt"])
    plan = Plan([[] for _ in range(max(depth.values()) + 1)])
    plan.back = [edge for edge in edges if edge in upward]
    for name in states:
        plan.layers[depth[name]].append(name)
    for start, end in down:
        between = [f"{start}>{end}#{level}" for level in range(depth[start] + 1, depth[end])]
        for level, point in enumerate(between, start=depth[start] + 1):
            if point not in plan.layers[level]:
                plan.layers[level].append(point)
        plan.chains.append([start, *between, end])
    untangle(plan)
    return plan


def ways_back(start: str, states: dict[str, State]) -> set[tuple[str, str]]:
    """Return the edges that lead to a state which is being visited already: the loops."""
    found: set[tuple[str, str]] = set()
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        for target, _ in next_states(states[name]):
            if target in (*path, name):
                found.add((name, target))
            elif target not in done:
                visit(target, (*path, name))
        done.add(name)

    for name in [start, *states]:
        if name not in done:
            visit(name, ())
    return found


def depths(names: list[str], edges: list[tuple[str, str]], start: str) -> dict[str, int]:
    """Return the layer of each state. The lane of errors, which no normal way reaches, ends at the bottom."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for above, below in edges:
            depth[below] = max(depth[below], depth[above] + 1)
    reached, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        fresh = {below for above, below in edges if above == here} - reached
        reached |= fresh
        waiting += fresh
    lane = [name for name in names if name not in reached]
    if lane:
        lift = max(depth[name] for name in reached) - max(depth[name] for name in lane)
        for name in lane:
            depth[name] += max(lift, 0)
    return depth


def untangle(plan: Plan) -> None:
    """Order each layer by the mean place of its neighbours, downwards and upwards in turn."""
    links = [(a, b) for chain in plan.chains for a, b in itertools.pairwise(chain)]
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for layer in plan.layers if downwards else reversed(plan.layers):
            place = {name: index for row in plan.layers for index, name in enumerate(row)}
            beside = {
                name: [place[a] for a, b in links if b == name]
                if downwards
                else [place[b] for a, b in links if a == name]
                for name in layer
            }
            layer.sort(key=lambda name: sum(beside[name]) / len(beside[name]) if beside[name] else place[name])


def positions(plan: Plan) -> dict[str, tuple[float, float]]:
    """Return the centre of each state and point."""
    slot = WIDTH + ACROSS
    widest = max(sum(slot if "#" not in name else slot / 2 for name in layer) for layer in plan.layers)
    places = {}
    for level, layer in enumerate(plan.layers):
        x = PAD + (widest - sum(slot if "#" not in name else slot / 2 for name in layer)) / 2
        for name in layer:
            wide = slot if "#" not in name else slot / 2
            places[name] = (x + wide / 2, PAD + HEIGHT / 2 + level * (HEIGHT + DOWN))
            x += wide
    return places


def way_down(points: list[tuple[float, float]]) -> str:
    last = len(points) - 1
    half = HEIGHT / 2
    drawn = [(x, y + (half if n == 0 else -half - 2 if n == last else 0)) for n, (x, y) in enumerate(points)]
    path = f"M {drawn[0][0]:g} {drawn[0][1]:g}"
    for (x1, y1), (x2, y2) in itertools.pairwise(drawn):
        middle = (y1 + y2) / 2
        path += f" C {x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}"
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'


def way_up(start: tuple[float, float], end: tuple[float, float], right: float) -> str:
    x1, x2 = start[0] + WIDTH / 2, end[0] + WIDTH / 2 + 3
    path = f"M {x1:g} {start[1]:g} H {right:g} V {end[1]:g} H {x2:g}"
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'


def shape(name: str, body: State, place: tuple[float, float]) -> str:
    x, y = place
    left, top = x - WIDTH / 2, y - HEIGHT / 2
    kind = {"Choice": "choice", "Succeed": "end", "Fail": "fail"}.get(body["Type"], "task")
    if kind == "choice":
        cut = 12
        path = (
            f"M {left + cut:g} {top:g} H {left + WIDTH - cut:g} L {left + WIDTH:g} {y:g} "
            f"L {left + WIDTH - cut:g} {top + HEIGHT:g} H {left + cut:g} L {left:g} {y:g} Z"
        )
        drawn = f'<path class="choice" d="{path}"/>'
    else:
        round_ = HEIGHT / 2 if kind in ("end", "fail") else 7
        drawn = f'<rect class="{kind}" x="{left:g}" y="{top:g}" width="{WIDTH}" height="{HEIGHT}" rx="{round_:g}"/>'
    lines = wrapped(name)
    texts = [
        f'<text x="{x:g}" y="{y + 4.5 + 14 * (number - (len(lines) - 1) / 2):g}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return drawn + "".join(texts)


def wrapped(name: str) -> list[str]:
    """Return `OpenVerificationJob` as words, in lines that fit into a state."""
    lines = [""]
    for word in re.findall(r"[A-Z][a-z0-9]*|[a-z0-9]+", name):
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= LINE or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines
