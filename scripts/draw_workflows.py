"""Draw the workflows from their ASL files: docs/workflows.md (every state) and docs/images/loop.svg (the main path).

`draw_workflows.py` writes both files; `draw_workflows.py --check` writes nothing and ends with 1 if one is out of date.
"""

import json
import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from sightline.api.workflow_graph import condition

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "workflows.md"
PICTURE = ROOT / "docs" / "images" / "loop.svg"

# In the order of the loop; a workflow that is not named here follows by its name.
ORDER = ["label_images", "train_model", "deploy_model"]
# What makes the next workflow start, and what stands at both ends of the loop.
STARTED_BY = {
    "label_images": "an upload or a schedule",
    "train_model": "enough new labels, a schedule, or a person",
    "deploy_model": "a person approves the model",
}


def load() -> dict[str, dict]:
    """Read every workflow, by name, in the order of the loop."""
    paths = {path.name.removesuffix(".asl.json"): path for path in (ROOT / "statemachines").glob("*.asl.json")}
    names = [name for name in ORDER if name in paths] + sorted(set(paths) - set(ORDER))
    return {name: json.loads(paths[name].read_text()) for name in names}


# --- docs/workflows.md ------------------------------------------------------------------------------------------------


def page(workflows: dict[str, dict]) -> str:
    """Give the Markdown page with one Mermaid diagram and one table of states for each workflow."""
    parts = [
        "# Workflows\n",
        "This page is drawn from `statemachines/*.asl.json` by `make docs`; `make check` fails when it is out of date.",
        "Solid arrows are the order, dotted arrows are taken on an error. Choices are diamonds, ends are rounded.\n",
    ]
    for name, definition in workflows.items():
        parts += [f"## {name}\n", f"{definition.get('Comment', '')}\n", "```mermaid", *diagram(definition), "```\n"]
        parts += ["| state | what it does |", "|---|---|"]
        parts += [f"| `{state}` | {_what(body)} |" for state, body in _every_state(definition)]
        parts.append("")
    return "\n".join(parts)


def _every_state(definition: dict) -> Iterator[tuple[str, dict]]:
    """The states in their order; those that a map runs for each item follow it."""
    for name, body in definition["States"].items():
        yield name, body
        if "ItemProcessor" in body:
            yield from _every_state(body["ItemProcessor"])


def diagram(definition: dict) -> Iterator[str]:
    """Give the lines of a Mermaid flowchart of one workflow."""
    yield "flowchart TD"
    yield f"    start((start)) --> {definition['StartAt']}"
    for name, body in definition["States"].items():
        yield f"    {name}{_shape(name, body)}"
    for name, body in definition["States"].items():
        for target, label in _next_states(body):
            yield f"    {name} -->{_edge_label(label)} {target}"
        for target, label in _catches(body):
            yield f"    {name} -.->{_edge_label(label)} {target}"


def _shape(name: str, body: dict) -> str:
    match body["Type"]:
        case "Choice":
            return f"{{{name}}}"
        case "Succeed" | "Fail":
            return f"([{name}])"
        case "Task":
            return f'["{name}<br/><small>{_service(body["Resource"])}</small>"]'
        case "Map":
            return f'["{name}<br/><small>{body["ItemProcessor"]["StartAt"]} for each</small>"]'
        case kind:
            return f'["{name}<br/><small>{kind.lower()}</small>"]'


def _service(resource: str) -> str:
    """`arn:aws:states:::lambda:invoke.waitForTaskToken` → `Lambda, waits for an answer`."""
    action = resource.rpartition(":::")[2]
    service, _, call = action.partition(":")
    call, _, pattern = call.partition(".")
    shown = "Lambda" if service == "lambda" else f"{service.removeprefix('aws-sdk:')} {call}"
    return shown + {"": "", "sync": ", waits for the job", "sync:2": ", waits for it"}.get(
        pattern, ", waits for an answer"
    )


def _next_states(body: dict) -> Iterator[tuple[str, str]]:
    if "Next" in body:
        yield body["Next"], ""
    for choice in body.get("Choices", []):
        yield choice["Next"], condition(choice)
    if "Default" in body:
        yield body["Default"], "otherwise"


def _catches(body: dict) -> Iterator[tuple[str, str]]:
    for catch in body.get("Catch", []):
        errors = [error for error in catch["ErrorEquals"] if error != "States.ALL"]
        yield catch["Next"], ", ".join(errors)


def _edge_label(text: str) -> str:
    return f'|"{text}"|' if text else ""


def _what(body: dict) -> str:
    comment = body.get("Comment", "").replace("|", "\\|")
    return comment or {"Succeed": "The workflow ends well.", "Fail": "The workflow ends failed."}.get(body["Type"], "")


# --- docs/images/loop.svg ---------------------------------------------------------------------------------------------

WIDTH, LEFT, TOP, BOX_WIDTH, BOX_HEIGHT, GAP = 1120, 40, 96, 142, 56, 34
LANE_COLOURS = ["#0f766e", "#1d4ed8", "#7c3aed", "#475569", "#475569"]


def picture(workflows: dict[str, dict]) -> str:
    """Give the SVG of the loop: one lane for each workflow with the tasks of its main path, and how they follow."""
    lanes = [(name, [s for s in main_path(workflows[name]) if workflows[name]["States"][s]["Type"] == "Task"])
             for name in workflows if name in STARTED_BY]  # fmt: skip
    elements: list[str] = []
    y = TOP
    elements += _note(LEFT, y - 44, "photos from the line, or a person → S3 bucket")
    for (name, tasks), colour in zip(lanes, LANE_COLOURS, strict=False):
        rows = _rows(tasks)
        height = 42 + len(rows) * (BOX_HEIGHT + 18)
        elements += _lane(y, height, name, STARTED_BY[name], colour)
        for index, row in enumerate(rows):
            elements += _row(y + 40 + index * (BOX_HEIGHT + 18), row, colour)
        y += height + GAP
        elements.append(_arrow(WIDTH / 2, y - GAP + 2, WIDTH / 2, y - 4))
    elements += _note(LEFT, y + 20, "edge devices give verdicts: pass, fail, review")
    elements += _back_arrow(TOP - 48, y + 16)
    return _svg(y + 44, elements)


def main_path(definition: dict) -> list[str]:
    """Give the longest way through a workflow that ends in Succeed and takes no error arrow and no state twice."""
    states = definition["States"]

    def walk(name: str, seen: tuple[str, ...]) -> list[str]:
        path = (*seen, name)
        if states[name]["Type"] == "Succeed":
            return list(path)
        ways = [walk(target, path) for target, _ in _next_states(states[name]) if target not in path]
        return max(ways, key=len, default=[])

    return walk(definition["StartAt"], ())


def _rows(tasks: list[str]) -> list[list[str]]:
    each = (WIDTH - 2 * LEFT - 60) // (BOX_WIDTH + GAP)
    return [tasks[start : start + each] for start in range(0, len(tasks), each)]


def _lane(y: int, height: int, name: str, started_by: str, colour: str) -> list[str]:
    return [
        (
            f'<rect x="{LEFT}" y="{y}" width="{WIDTH - 2 * LEFT - 40}" height="{height}" rx="10" fill="{colour}" '
            f'fill-opacity="0.07" stroke="{colour}"/>'
        ),
        f'<text x="{LEFT + 16}" y="{y + 25}" class="lane" fill="{colour}">{escape(name)}</text>',
        f'<text x="{LEFT + 150}" y="{y + 25}" class="note">started by {escape(started_by)}</text>',
    ]


def _row(y: int, tasks: list[str], colour: str) -> list[str]:
    elements = []
    for index, task in enumerate(tasks):
        x = LEFT + 16 + index * (BOX_WIDTH + GAP)
        words = re.findall(r"[A-Z][a-z0-9]*|[a-z0-9]+", task)
        half = (len(words) + 1) // 2 if len(task) > 14 else len(words)
        lines = [" ".join(words[:half]), " ".join(words[half:])] if half < len(words) else [" ".join(words)]
        elements.append(
            f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7" fill="#ffffff" stroke="{colour}"/>'
        )
        first = y + BOX_HEIGHT / 2 + 5 - 9 * (len(lines) - 1)
        elements += [
            f'<text x="{x + BOX_WIDTH / 2}" y="{first + 18 * number}" class="state">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ]
        if index + 1 < len(tasks):
            elements.append(_arrow(x + BOX_WIDTH + 3, y + BOX_HEIGHT / 2, x + BOX_WIDTH + GAP - 3, y + BOX_HEIGHT / 2))
    return elements


def _note(x: int, y: int, text: str) -> list[str]:
    width = WIDTH - 2 * LEFT - 40
    return [
        f'<rect x="{x}" y="{y - 20}" width="{width}" height="32" rx="16" fill="#fef3c7" stroke="#b45309"/>',
        f'<text x="{x + width / 2}" y="{y + 1}" class="state">{escape(text)}</text>',
        *([_arrow(WIDTH / 2, y + 14, WIDTH / 2, y + 40)] if y < TOP else []),
    ]


def _back_arrow(top: int, bottom: int) -> list[str]:
    right = WIDTH - LEFT - 40
    return [
        (
            f'<path d="M {right + 2} {bottom} H {right + 38} V {top} H {right + 6}" class="arrow" '
            'marker-end="url(#head)"/>'
        ),
        (
            f'<text transform="translate({right + 58} {(top + bottom) / 2}) rotate(-90)" class="note" '
            'text-anchor="middle">'
            "unsure images come back</text>"
        ),
    ]


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M {x1:g} {y1:g} L {x2:g} {y2:g}" class="arrow" marker-end="url(#head)"/>'


def _svg(height: int, elements: list[str]) -> str:
    head = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" \
aria-label="The Sightline loop">
<style>
text {{ font: 14px system-ui, sans-serif; }}
.state {{ text-anchor: middle; fill: #111827; }}
.lane {{ font-weight: 700; }}
.note {{ fill: #6b7280; }}
.arrow {{ stroke: #6b7280; stroke-width: 1.6; fill: none; }}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M 0 0 L 8 4 L 0 8 z" fill="#6b7280"/></marker></defs>
<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>"""
    return "\n".join([head, *elements, "</svg>", ""])


# ----------------------------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: draw_workflows.py [--check]")
        return 2
    workflows = load()
    wanted = {PAGE: page(workflows), PICTURE: picture(workflows)}
    if arguments:
        old = [
            str(path.relative_to(ROOT))
            for path, text in wanted.items()
            if not path.exists() or path.read_text() != text
        ]
        print(f"out of date: {', '.join(old)}; run `make docs`" if old else "the workflow diagrams are up to date")
        return 1 if old else 0
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
