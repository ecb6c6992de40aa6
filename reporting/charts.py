"""Line charts as SVG, and the charts of a training."""

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

COLOURS = ("#3b6fd4", "#d6382d", "#1a9850", "#a05fbd", "#c77d0a", "#0f8b8d", "#8a6d3b", "#b83280")
WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT = 470, 290, 46, 40, 12  # of a chart, and of what lies around its lines
TICKS = 4

Points = Sequence[tuple[float, float]]
History = Sequence[Mapping[str, float]]  # of each epoch: `epoch`, `train:loss`, and where it was validated the scores


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values lie: `right` is the largest x, `y_top` the largest y, `top` the pixels above the lines."""

    right: float
    y_top: float
    top: int

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.right

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - self.top) * min(max(value / self.y_top, 0), 1)


def chart(
    lines: Mapping[str, Points], x_label: str, y_label: str, y_top: float = 1.0, mark: tuple[float, str] | None = None
) -> str:
    """Return a line chart: points (x, y) by name, x from 0 to 1 or to its largest value, y from 0 to the
    round number from `y_top` up; `mark` is an x with its text.
    """
    right = max(1.0, max((x for points in lines.values() for x, _ in points), default=1.0))
    frame = Frame(right, _round_up(y_top), top=28 if mark else 12)  # the mark's text stands above the lines
    label = f"{html.escape(y_label)} by {html.escape(x_label)}"
    drawn = "".join((*_ticks(frame), *_lines(frame, lines), _mark(frame, *mark) if mark else ""))
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{label}">{drawn}'
        f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 5}" font-size="12" text-anchor="middle" '
        f'fill="currentColor">{html.escape(x_label)}</text></svg>'
    )
    names = " ".join(
        f'<span style="color:{_colour(number)}">━ {html.escape(name)}</span>' for number, name in enumerate(lines)
    )
    return f"<figure><figcaption><b>{html.escape(y_label)}</b><br>{names}</figcaption>{svg}</figure>"


def _ticks(frame: Frame) -> Iterator[str]:
    for step in range(TICKS + 1):
        value = frame.y_top * step / TICKS
        y = frame.y(value)
        yield f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>'
        yield (
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" font-size="11" text-anchor="end" '
            f'fill="currentColor">{value:.2f}</text>'
        )
    step_x = _round_up(frame.right) / TICKS
    for step in range(math.floor(frame.right / step_x + 1e-9) + 1):
        value = step_x * step
        yield (
            f'<text x="{frame.x(value):.1f}" y="{HEIGHT - BOTTOM + 15}" font-size="11" text-anchor="middle" '
            f'fill="currentColor">{value:.3g}</text>'
        )


def _lines(frame: Frame, lines: Mapping[str, Points]) -> Iterator[str]:
    for number, points in enumerate(lines.values()):
        places = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
        yield f'<polyline fill="none" stroke="{_colour(number)}" stroke-width="2" points="{places}"/>'


def _mark(frame: Frame, value: float, text: str) -> str:
    """Return a dashed line at an x, with its text where there is room."""
    x = frame.x(value)
    side, move = ("start", 5) if x < WIDTH * 0.6 else ("end", -5)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{HEIGHT - BOTTOM}" stroke="currentColor" '
        'stroke-dasharray="4 3"/>'
        f'<text x="{x + move:.1f}" y="{frame.top - 8}" font-size="12" text-anchor="{side}" '
        f'fill="currentColor">{html.escape(text)}</text>'
    )


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def training_charts(history: History) -> str:
    """Return the scores and the loss by epoch; nothing where there is no history."""
    if not history:
        return ""
    names = {"mAP@.50": "validation:map50", "mAP@.50:.95": "validation:map50_95"}
    scores = {
        label: [(entry["epoch"], entry[name]) for entry in history if name in entry] for label, name in names.items()
    }
    losses = [(entry["epoch"], entry["train:loss"]) for entry in history if "train:loss" in entry]
    top = max((loss for _, loss in losses), default=1.0)
    return chart(scores, "epoch", "mAP on the validation images") + chart(
        {"loss": losses}, "epoch", "Training loss", top
    )


def _round_up(value: float) -> float:
    """Return the next number whose quarters are short: 4, 8, 10, 12, 16, 20 or 40 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-6) / 4))
    return next(step * power for step in (4, 8, 10, 12, 16, 20, 40) if step * power >= value * (1 - 1e-9))
