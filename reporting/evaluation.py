"""The evaluation as one HTML file that a quality engineer reads: no script, no request to anywhere."""

import base64
import html
import io
import math
from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from sightline.vision.decode import Pixels

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2.6rem 0 .4rem; border-top: 1px solid #8884; padding-top: 1.4rem; }
h3 { margin: 1.4rem 0 .3rem; font-size: 1.05rem; }
p { max-width: 48rem; margin: .4rem 0; } .lead { font-size: 1.15rem; } .quiet { opacity: .75; font-size: .92rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem; border-bottom: 1px solid #8886; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; }
.number { font-size: 2.2rem; font-weight: 650; line-height: 1.2; }
.tiles { display: flex; gap: 2.2rem 2.8rem; flex-wrap: wrap; margin: 1.2rem 0; }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 1.1rem; margin: .8rem 0; }
figure { margin: 0; }
figure img { width: 100%; max-height: 32rem; object-fit: contain; border-radius: .4rem; display: block; }
figcaption { font-size: .85rem; opacity: .85; overflow-wrap: anywhere; }
.key b { color: #1a9850; } .key i { color: #d6382d; font-style: normal; } svg { max-width: 100%; height: auto; }
.bad { color: #c62b20; font-weight: 600; } .good { color: #16804a; font-weight: 600; }
@media (prefers-color-scheme: dark) { .bad { color: #ff7b70; } .good { color: #5fd598; } }
@media print { body { margin: 0; max-width: none; } figure, table, svg { break-inside: avoid; } }
"""
LABEL, DETECTION = (26, 152, 80), (214, 56, 45)
LETTERS = 18  # pixels, in pictures that the page shows at about half their size
SHOWN = 12
SHOWN_BEST = 8
SHOWN_LEFT_OUT = 100
PixelsOf = Callable[[str, str], Pixels]
Curves = dict[str, list[tuple[float, float, float]]]


def picture(pixels: Pixels, labels: list[Any], detections: list[dict[str, Any]], width: int = 480) -> str:
    """An image as a data URI, labels in green, detections in red with their score; at most `width` wide and twice as
    high.
    """
    image = Image.fromarray(pixels)
    scale = min(width / image.width, 2 * width / image.height)
    image = image.resize([max(1, round(side * scale)) for side in image.size])
    draw = ImageDraw.Draw(image)
    for box in labels:
        draw.rectangle(_corners(box, scale), outline=LABEL, width=2)
    for detection in detections:
        box = _corners(detection["box"], scale)
        draw.rectangle(box, outline=DETECTION, width=2)
        text = _mark(detection, image.width)
        line = LETTERS + 4
        # Inside the picture, also for a box at its right edge or one as high as the picture.
        left = max(0, min(box[0] + 1, image.width - _font().getlength(text)))
        top = max(0, min(box[1] - line if box[1] >= line else box[3] + 1, image.height - line))
        draw.rectangle(draw.textbbox((left, top), text, _font()), fill=DETECTION)
        draw.text((left, top), text, fill=(255, 255, 255), font=_font())
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _corners(box: Any, scale: float) -> list[float]:
    """A box in pixels of the scaled picture, its upper left corner first, whichever a model answers first."""
    x1, y1, x2, y2 = (edge * scale for edge in box)
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]


def _mark(detection: dict[str, Any], room: int) -> str:
    """What is written at a detection, in one line: its class and score.

    A name that the font can't show or the picture has no room for is only its number there: the caption has the name.
    """
    name, score = " ".join(str(detection.get("class", "")).split()), f"{detection['score']:.2f}"
    if not all(_shows(sign) for sign in name) or _font().getlength(f"{name} {score}") > room:
        name = str(detection.get("class_id", ""))
    return f"{name} {score}".strip()


@cache
def _font() -> Any:
    return ImageFont.load_default(LETTERS)


@cache
def _shows(sign: str) -> bool:
    """Whether the font has this letter: where it lacks one, it draws the same box as for what is no letter at all."""
    return bytes(_font().getmask(sign)) != bytes(_font().getmask("\U0010ffff"))


def figure(uri: str, caption: str) -> str:
    return (
        f'<figure><img src="{uri}" alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


COLOURS = ("#3b6fd4", "#d6382d", "#1a9850", "#a05fbd", "#c77d0a", "#0f8b8d", "#8a6d3b", "#b83280")
Points = list[tuple[float, float]]


def chart(
    lines: dict[str, Points], x_label: str, y_label: str, y_top: float = 1.0, mark: tuple[float, str] | None = None
) -> str:
    """A line chart as SVG: points (x, y) by name, x from 0 to 1 or to its largest value, y from 0 to `y_top`; `mark` is
    an x with its text.
    """
    width, height, left, bottom = 470, 290, 46, 40
    top = 28 if mark else 12  # the mark's text stands above the lines
    right = max((x for points in lines.values() for x, _ in points), default=1.0) or 1.0
    right = 1.0 if right <= 1 else 4 * math.ceil(right / 4)  # ticks at quarters are then short numbers

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (width - left - 12) * x / right, height - bottom - (height - bottom - top) * min(
            max(y / y_top, 0), 1
        )

    parts = [
        (
            f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{html.escape(y_label)} by '
            f'{html.escape(x_label)}">'
        )
    ]
    for step in range(5):
        y = place(0, y_top * step / 4)[1]
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>')
        parts.append(
            f'<text x="{left - 6}" y="{y + 4:.1f}" font-size="11" text-anchor="end" '
            f'fill="currentColor">{y_top * step / 4:.2f}</text>'
        )
        x = place(right * step / 4, 0)[0]
        parts.append(
            f'<text x="{x:.1f}" y="{height - bottom + 15}" font-size="11" text-anchor="middle" '
            f'fill="currentColor">{right * step / 4:.3g}</text>'
        )
    for number, points in enumerate(lines.values()):
        places = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
        parts.append(
            f'<polyline fill="none" stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="2" points="{places}"/>'
        )
    if mark:
        x = place(mark[0], 0)[0]
        side, move = ("start", 5) if x < width * 0.6 else ("end", -5)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{height - bottom}" stroke="currentColor" '
            'stroke-dasharray="4 3"/>'
        )
        parts.append(
            f'<text x="{x + move:.1f}" y="{top - 8}" font-size="12" text-anchor="{side}" '
            f'fill="currentColor">{html.escape(mark[1])}</text>'
        )
    parts.append(
        f'<text x="{(left + width) / 2:.0f}" y="{height - 5}" font-size="12" text-anchor="middle" '
        f'fill="currentColor">{html.escape(x_label)}</text></svg>'
    )
    names = " ".join(
        f'<span style="color:{COLOURS[number % len(COLOURS)]}">━ {html.escape(name)}</span>'
        for number, name in enumerate(lines)
    )
    return f"<figure><figcaption><b>{html.escape(y_label)}</b><br>{names}</figcaption>{''.join(parts)}</figure>"


def training_charts(history: list[dict[str, float]]) -> str:
    if not history:
        return ""
    names = {"mAP@.50": "validation:map50", "mAP@.50:.95": "validation:map50_95"}
    scores = {
        label: [(entry["epoch"], entry[name]) for entry in history if name in entry] for label, name in names.items()
    }
    losses = [(entry["epoch"], entry["train:loss"]) for entry in history if "train:loss" in entry]
    top = _round_up(max((loss for _, loss in losses), default=1.0))
    return chart(scores, "epoch", "mAP on the validation images") + chart(
        {"loss": losses}, "epoch", "Training loss", top
    )


def _round_up(value: float) -> float:
    """The next number whose quarters are short: 4, 8, 10, 12, 16, 20 or 40 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-6) / 4))
    return next(step * power for step in (4, 8, 10, 12, 16, 20, 40) if step * power >= value * (1 - 1e-9))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({100 * part / whole:.0f} %)" if whole else "")


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _in_words(result: dict[str, Any]) -> str:
    """What the numbers mean on the line, for somebody who never heard of mAP."""
    table = result["candidate"]["confusion"]
    defective, good = table["true_fail"] + table["false_pass"], table["false_fail"] + table["true_pass"]
    escaped, alarms = (
        f'<span class="{"bad" if number else "good"}">{_share(number, whole)}</span>'
        for number, whole in ((table["false_pass"], defective), (table["false_fail"], good))
    )
    return (
        f'<p class="lead">Of the test photos with a defect {escaped} would escape; of the good ones {alarms} would '
        "raise a false alarm.</p>"
        '<p class="quiet">mAP, from 0 to 1, says how well defects are found, named and framed: @.50 asks that a found '
        "box overlaps the labelled "
        f"one by half, @.50:.95 also rewards tighter boxes.</p>"
    )


def _beside(result: dict[str, Any]) -> str:
    """The champion and the int8 variant on the same images, and what the bootstrap says."""
    int8 = result["int8"]["candidate"] if result["int8"] else None
    columns = {"this model": result["candidate"], "model in service": result["champion"], "int8 variant": int8}
    shown = {name: numbers for name, numbers in columns.items() if numbers}

    def row(title: str, cell: Callable[[dict[str, Any]], str]) -> str:
        cells = "".join(f'<td class="n">{cell(numbers)}</td>' for numbers in shown.values())
        return f"<tr><th>{title}</th>{cells}</tr>"

    rows = (
        row("mAP@.50", lambda numbers: _number(numbers["map50"])),
        row("mAP@.50:.95", lambda numbers: _number(numbers["map50_95"])),
        row("escaped defects", lambda numbers: str(numbers["confusion"]["false_pass"])),
        row("false alarms", lambda numbers: str(numbers["confusion"]["false_fail"])),
        row("decision threshold", lambda numbers: f"{numbers['threshold']:.2f}"),
        row("an image, median", lambda numbers: f"{numbers['latency_ms']['median']:.1f} ms"),
        row("an image, 95th percentile", lambda numbers: f"{numbers['latency_ms']['p95']:.1f} ms"),
        row("size", lambda numbers: f"{numbers['size_bytes'] / 1e6:.1f} MB"),
    )
    heads = "".join(f'<th class="n">{name}</th>' for name in shown)
    return f"<h2>Beside the others</h2><table><tr><th></th>{heads}</tr>{''.join(rows)}</table>{_difference(result)}"


def _difference(result: dict[str, Any]) -> str:
    if result["champion_error"]:
        return f'<p class="bad">The model in service can\'t be compared: {html.escape(result["champion_error"])}.</p>'
    if not result["champion"]:
        return "<p>There is no model in service yet to compare with.</p>"
    difference = result["bootstrap"]["difference_map50"]
    low, high = difference["low"], difference["high"]
    verdict = (
        "it is better"
        if low > 0
        else "it is worse"
        if high < 0
        else "that may be chance: the test photos can't tell which of the two is better"
    )
    return (
        f"<p>Against the model in service mAP@.50 differs by {difference['mean']:+.3f}. With other parts of the same "
        "kind it would lie between "
        f"{low:+.3f} and {high:+.3f} in 95 of 100 cases, so {verdict}. <span class='quiet'>(Paired bootstrap, "
        f"{result['bootstrap']['replicates']} draws of whole "
        f"groups of photos of one part.)</span></p>"
    )


def _threshold(result: dict[str, Any]) -> str:
    """How the decision threshold was chosen, or that nothing was there to choose it from."""
    choice = result["threshold_choice"]
    head = "<h2>How the threshold was chosen</h2><p>A photo fails when the surest defect found reaches the threshold."
    if not choice["images"]:
        return f"{head} There is no validation photo to choose it from: {choice['threshold']:.2f} is the default.</p>"
    ratio = choice["escape_cost"] / choice["alarm_cost"]
    curve = choice["curve"]
    top = max((point["cost"] for point in curve), default=1.0) or 1.0
    mark = (choice["threshold"], f"chosen: {choice['threshold']:.2f}")
    costs = chart(
        {"expected cost": [(point["threshold"], point["cost"]) for point in curve]},
        "decision threshold",
        "Expected cost of a photo",
        top,
        mark,
    )
    rates = {"escaped defects": "escapes", "false alarms": "alarms"}
    shares = chart(
        {title: [(point["threshold"], point[name]) for point in curve] for title, name in rates.items()},
        "decision threshold",
        "Share of photos",
        1.0,
        mark,
    )
    return f"""{head} An escaped defect counts as
{ratio:g} false alarm{"" if ratio == 1 else "s"} here (<code>escape_cost</code> {choice["escape_cost"]:g},
<code>alarm_cost</code> {choice["alarm_cost"]:g}): a lower threshold lets fewer
defects escape and raises more alarms.
{choice["threshold"]:.2f} costs least on the {_plural(choice["images"], "validation photo")}; the test photos
had no say in it.</p>
<div class="tiles">{costs}{shares}</div>"""


def _picture_of(entry: dict[str, Any], pixels: Pixels) -> str:
    labels = ", ".join(sorted(set(entry["label_classes"]))) or "no defect"
    seen = ", ".join(sorted({detection["class"] for detection in entry["detections"]})) or "nothing"
    said = {"escape": "ESCAPED", "false alarm": "FALSE ALARM", "caught": "caught", "passed": "passed"}[entry["outcome"]]
    return figure(
        picture(pixels, entry["labels"], entry["detections"]),
        f"{said}. Labelled: {labels}. Found: {seen}. {entry['image']}",
    )


def worst_first(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Escapes, then false alarms, then by how much of an image is wrong; of equal ones the surest mistake first."""
    rank = {"escape": 0, "false alarm": 1}

    def key(entry: dict[str, Any]) -> tuple[float, ...]:
        surest = max((detection["score"] for detection in entry["detections"]), default=0.0)
        return rank.get(entry["outcome"], 2), entry["quality"], -surest

    return sorted(entries, key=key)


def best_first(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Images with a defect, all of them found and nothing else; the least sure detection decides among them."""
    right = [entry for entry in entries if entry["outcome"] == "caught" and entry["quality"] == 1]
    return sorted(right, key=lambda entry: -min(detection["score"] for detection in entry["detections"]))


def _images(result: dict[str, Any], pixels: PixelsOf) -> str:
    entries = result["per_image"]
    wrong = [
        entry for entry in worst_first(entries) if entry["quality"] < 1 or entry["outcome"] in ("escape", "false alarm")
    ]
    blocks = ['<h2>Photos</h2><p class="key"><b>Green: labelled</b>, <i>red: found, with its score</i>.</p>']
    for title, chosen, nothing in (
        (
            "Worst first: escaped defects, false alarms, then what was missed or wrongly framed",
            wrong[:SHOWN],
            "Nothing went wrong on any test photo.",
        ),
        ("Best", best_first(entries)[:SHOWN_BEST], "On no photo with a defect everything was right."),
    ):
        shown = "".join(_picture_of(entry, pixels("test", entry["image"])) for entry in chosen)
        blocks.append(f"<h3>{title}</h3>" + (f'<div class="images">{shown}</div>' if shown else f"<p>{nothing}</p>"))
    more = len(wrong) - SHOWN
    return "".join(blocks) + (
        f'<p class="quiet">{_plural(more, "more photo")} with a mistake in evaluation.json.</p>' if more > 0 else ""
    )


def _doubted(result: dict[str, Any], pixels: PixelsOf) -> str:
    """Labels that look wrong."""
    found = result["suspicious_labels"]
    if not found:
        return ""
    shown = "".join(
        figure(
            picture(
                pixels(doubt["split"], doubt["image"]),
                doubt["labels"],
                [{"box": doubt["box"], "score": doubt["score"]}],
            ),
            f"{doubt['image']}: {doubt['why']}",
        )
        for doubt in found[:SHOWN]
    )
    return f"""<h2>Labels worth a second look</h2><p>The model is sure and the label disagrees, on
{len({doubt["image"] for doubt in found})} photos that it did not learn from. Either
may be wrong: a wrong label here makes the numbers above worse, or better, than they are.</p>
<p class="key"><b>Green: labelled</b>, <i>red: in doubt</i>.</p><div class="images">{shown}</div>"""


def _classes(result: dict[str, Any], curves: Curves, history: list[dict[str, float]]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f'<td class="n">{_number(entry[key])}</td>' for key in ("ap50", "ap50_95", "recall"))
        + "</tr>"
        for name, entry in result["candidate"]["per_class"].items()
    )
    points = {name: [(recall, precision) for recall, precision, _ in curve] for name, curve in curves.items()}
    drawn = chart(points, "recall: share of the defects found", "Precision: share of the finds that are right")
    return f"""<h2>Defect types</h2><table><tr><th>type</th><th class="n">AP@.50</th><th class="n">AP@.50:.95</th>
<th class="n">recall</th></tr>{rows}</table>
<p class="quiet">Recall: the share of labelled defects of this type that are found at the decision threshold; – where
the test photos show none.</p>
<div class="tiles">{drawn}{training_charts(history)}</div>"""


def _left_out(result: dict[str, Any]) -> str:
    """What could not be used, by name and reason; of many the first."""
    blocks = ""
    for said, entries in (
        ("These images can't be decoded and were measured by nobody:", result["undecodable"]),
        ("These labels can't be used; a box costs only itself, a record its image:", result["left_out"]),
    ):
        rows = "".join(
            f"<li>{html.escape(entry['image'])} ({entry['split']}): {html.escape(entry['reason'])}</li>"
            for entry in entries[:SHOWN_LEFT_OUT]
        )
        more = len(entries) - SHOWN_LEFT_OUT
        rest = f"<p>{more} more in evaluation.json.</p>" if more > 0 else ""
        blocks += f'<p class="bad">{said}</p><ul>{rows}</ul>{rest}' if entries else ""
    return f"<h2>Left out</h2>{blocks}" if blocks else ""


def render(result: dict[str, Any], history: list[dict[str, float]], curves: Curves, pixels: PixelsOf) -> str:
    """The page. `curves` are (recall, precision, score) by class; `pixels` gives the image of a split by its name."""
    candidate, job = result["candidate"], html.escape(result["training_job"])
    left_out = _left_out(result)
    head = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation of {job}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<h1>Evaluation</h1><p>{job}, dataset {html.escape(result["dataset_version"])}:
{_plural(result["test_images"], "test photo")} of
{_plural(result["test_groups"], "group")} (photos of one part) that training has never seen.</p>"""
    if not candidate:
        return (
            f'{head}<p class="lead bad">There is no test photo to measure the model on, so nothing is known about '
            f"it.</p>{left_out}</html>"
        )
    table = candidate["confusion"]
    return f"""{head}{_in_words(result)}
<div class="tiles"><div><div class="number">{_number(candidate["map50"])}</div>mAP@.50</div>
<div><div class="number">{_number(candidate["map50_95"])}</div>mAP@.50:.95</div>
<div><div class="number">{candidate["latency_ms"]["median"]:.1f} ms</div>a photo, one CPU core</div>
<div><div class="number">{candidate["size_bytes"] / 1e6:.1f} MB</div>model.onnx</div></div>
<h2>Pass or fail</h2><p>At the decision threshold {candidate["threshold"]:.2f}:</p>
<table><tr><th></th><th class="n">model says fail</th><th class="n">model says pass</th></tr>
<tr><th>has a defect</th><td class="n">{table["true_fail"]} caught</td>
<td class="n">{table["false_pass"]} escaped</td></tr>
<tr><th>has none</th><td class="n">{_plural(table["false_fail"], "false alarm")}</td>
<td class="n">{table["true_pass"]} passed</td></tr></table>
<p class="quiet">A photo counts here by its verdict alone, wherever the boxes are: any find fails it, one beside the
defect too. mAP and the photos below tell whether
the boxes are right.</p>
{_threshold(result)}{_images(result, pixels)}{_doubted(result, pixels)}{_beside(result)}
{_classes(result, curves, history)}{left_out}</html>"""
