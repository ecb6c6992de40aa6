"""docs/images/loop.svg: the way of an image by default, from the line and back to it, as an SVG without a script."""

from dataclasses import dataclass
from html import escape

from scripts.states_language import Workflow
from sightline.api.workflow_graph import next_states

STEP_WIDTH, STEP_HEIGHT, ACROSS, LEFT, RIGHT = 168, 92, 30, 24, 24
HEAD, ROW, LANE = 34, 162, 138  # pixels: above the steps of a lane, from lane to lane, height of a lane
WIDTH = LEFT + 5 * STEP_WIDTH + 4 * ACROSS + 2 * 16 + RIGHT + 56


@dataclass(frozen=True)
class Step:
    """One box of the picture, and the states of the workflow in which that happens."""

    title: str
    text: str
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lane:
    """One row of boxes: a workflow, or what happens before or after one."""

    title: str
    started_by: str
    workflow: str
    colour: str
    steps: tuple[Step, ...]


LANES = (
    Lane(
        "label_images",
        "started by an upload or a schedule",
        "label_images",
        "#0f766e",
        (
            Step("Photos", "dropped into a bucket; bad files are quarantined"),
            Step("Claim", "new images, each once", ("ClaimNewImages",)),
            Step("Label", "people draw boxes, helped by proposals", ("ProposeLabels", "OpenLabelingJob")),
            Step("Verify", "other people approve or send back", ("OpenVerificationJob", "CollectVerdicts")),
            Step("Record", "labels go to ledger and manifest", ("SettleRound", "RecordLabels")),
        ),
    ),
    Lane(
        "train_model",
        "started by enough new labels, a schedule, or a person",
        "train_model",
        "#1d4ed8",
        (
            Step("Freeze dataset", "split by group; the test set stays", ("SnapshotDataset", "PlanTraining")),
            Step("Train", "a compact detector", ("TrainModel",)),
            Step("Evaluate", "the shipped file, on unseen parts", ("EvaluateModel",)),
            Step("Gate", "limits, and the model in service", ("JudgeModel",)),
            Step("Register", "with metrics and lineage", ("RegisterModel",)),
        ),
    ),
    Lane(
        "deploy_model",
        "started when a person approves the model",
        "deploy_model",
        "#7c3aed",
        (
            Step("Approve", "a person decides"),
            Step("Pack", "as a component with a checksum", ("PlanComponentVersion", "CreateComponentVersion")),
            Step("Canary", "proof, then live images beside the old model", ("StartDeployment", "BakeModel")),
            Step("Fleet", "the same proof; back if it fails", ("PromoteOrRollBack",)),
            Step("Verdicts", "pass, fail or review, on the line"),
        ),
    ),
)

STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #374151; text-anchor: middle; }
.title { font-size: 15px; font-weight: 650; fill: #111827; }
.lane { font-size: 14px; font-weight: 700; text-anchor: start; }
.note { text-anchor: start; fill: #4b5563; }
.step { fill: #ffffff; stroke-width: 1.4; }
.ground { fill: #ffffff; }
.arrow { stroke: #6b7280; stroke-width: 1.7; fill: none; }
.head { fill: #6b7280; }
@media (prefers-color-scheme: dark) {
text { fill: #d1d5db; }
.title { fill: #f9fafb; }
.note { fill: #9ca3af; }
.step { fill: #161b22; }
.ground { fill: #0d1117; }
.arrow { stroke: #9ca3af; }
.head { fill: #9ca3af; }
}
</style>"""


class LoopChangedError(Exception):
    """A state that the picture shows is not on the default way of its workflow any more."""


def default_states(definition: Workflow) -> set[str]:
    """Return the states that an image may pass by default: no error, no import, no Ground Truth."""
    found, waiting = set(), [definition["StartAt"]]
    while waiting:
        name = waiting.pop()
        found.add(name)
        following = next_states(definition["States"][name])
        waiting += [state for state, asked in following if "ground-truth" not in asked and state != "ImportLabels"]
        waiting = [state for state in waiting if state not in found]
    return found


def draw(workflows: dict[str, Workflow]) -> str:
    """Return the SVG of the loop. Raise LoopChangedError when a step names a state that is not on the default way."""
    parts: list[str] = []
    for number, lane in enumerate(LANES):
        passed = default_states(workflows[lane.workflow])
        gone = [state for step in lane.steps for state in step.states if state not in passed]
        if gone:
            raise LoopChangedError(f"{lane.workflow} passes {', '.join(gone)} no more; mend scripts/loop_picture.py")
        parts += drawn_lane(lane, 16 + number * ROW)
    bottom = 16 + (len(LANES) - 1) * ROW
    return "\n".join([head(bottom + LANE + 16), *parts, *way_back(16, bottom), "</svg>", ""])


def drawn_lane(lane: Lane, top: int) -> list[str]:
    width = 5 * STEP_WIDTH + 4 * ACROSS + 2 * 16
    middle = LEFT + 36 + STEP_WIDTH // 2
    parts = [
        (
            f'<rect x="{LEFT}" y="{top}" width="{width}" height="{LANE}" rx="10" fill="{lane.colour}" '
            f'fill-opacity="0.09" '
            f'stroke="{lane.colour}" stroke-opacity="0.55"/>'
        ),
        f'<text class="lane" x="{middle}" y="{top + 22}" style="fill: {lane.colour}">{escape(lane.title)}</text>',
        f'<text class="note" x="{LEFT + 150 + STEP_WIDTH // 2}" y="{top + 22}">{escape(lane.started_by)}</text>',
    ]
    for index, step in enumerate(lane.steps):
        x, y = LEFT + 16 + index * (STEP_WIDTH + ACROSS), top + HEAD
        parts += drawn_step(step, x, y, lane.colour)
        if index:
            parts.append(arrow(f"M {x - ACROSS + 3} {y + STEP_HEIGHT / 2:g} H {x - 3}"))
    if lane is not LANES[-1]:  # from the last box of this lane to the first of the next
        right, left = LEFT + width - 16 - STEP_WIDTH / 2, LEFT + 16 + STEP_WIDTH / 2
        below = top + LANE + (ROW - LANE) / 2
        parts.append(arrow(f"M {right:g} {top + HEAD + STEP_HEIGHT} V {below:g} H {left:g} V {top + ROW + HEAD - 4:g}"))
    return parts


def drawn_step(step: Step, x: int, y: int, colour: str) -> list[str]:
    middle = x + STEP_WIDTH / 2
    lines = wrapped(step.text, 24)
    return [
        f'<rect class="step" x="{x}" y="{y}" width="{STEP_WIDTH}" height="{STEP_HEIGHT}" rx="8" stroke="{colour}"/>',
        f'<text class="title" x="{middle:g}" y="{y + 26}">{escape(step.title)}</text>',
        *(
            f'<text x="{middle:g}" y="{y + 48 + 17 * number}">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ),
    ]


def way_back(top: int, bottom: int) -> list[str]:
    edge = LEFT + 5 * STEP_WIDTH + 4 * ACROSS + 2 * 16
    right, first = edge + 30, LEFT + 16 + STEP_WIDTH / 2
    start = bottom + HEAD + STEP_HEIGHT / 2
    return [
        arrow(f"M {edge - 16 + 2} {start:g} H {right} V 6 H {first:g} V {top + HEAD - 3}"),
        (
            f'<text transform="translate({right + 18} {(top + start) / 2:g}) rotate(-90)">'
            "images that the model is unsure about come back</text>"
        ),
    ]


def arrow(path: str) -> str:
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'


def wrapped(text: str, letters: int) -> list[str]:
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= letters or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def head(height: int) -> str:
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"
aria-label="The loop: photos are labelled and verified, a model is trained, judged and approved, devices run it">
{STYLE}
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path class="head" d="M 0 0 L 8 4 L 0 8 z"/></marker></defs>
<rect class="ground" width="{WIDTH}" height="{height}" rx="12"/>"""
