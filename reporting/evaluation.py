"""The evaluation as one HTML file that a quality engineer reads."""

import html
from collections.abc import Callable

from reporting.charts import History, chart, training_charts
from reporting.evaluation_photos import PixelsOf, doubted_labels, photos
from reporting.page import count, page, table, tile
from sightline.models.evaluation import Evaluation, LeftOut, Scores

SHOWN_LEFT_OUT = 100
Curves = dict[str, list[tuple[float, float, float]]]


def render(result: Evaluation, history: History, curves: Curves, pixels: PixelsOf) -> str:
    """Return the page. `curves` are (recall, precision, score) by class; `pixels` gives the image of a split by its
    name.
    """
    title = f"Evaluation of {result['training_job']}"
    candidate = result["candidate"]
    if not candidate:
        nothing = (
            '<p class="lead bad">There is no test photo to measure the model on, so nothing is known about '
            f"it.</p>{_left_out(result)}"
        )
        return page(title, _head(result) + nothing)
    return page(
        title,
        f"""{_head(result)}{_in_words(candidate)}
{_tiles(candidate)}
{_pass_or_fail(candidate)}
{_threshold(result)}{photos(result, pixels)}{doubted_labels(result, pixels)}{_beside(result, candidate)}
{_classes(candidate, curves, history)}{_left_out(result)}""",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({100 * part / whole:.0f} %)" if whole else "")


def _head(result: Evaluation) -> str:
    job, version = html.escape(result["training_job"]), html.escape(result["dataset_version"])
    return f"""<h1>Evaluation</h1><p>{job}, dataset {version}:
{count(result["test_images"], "test photo")} of
{count(result["test_groups"], "group")} (photos of one part) that training has never seen.</p>"""


def _in_words(candidate: Scores) -> str:
    """Return what the numbers mean on the line, for somebody who never heard of mAP."""
    judged = candidate["confusion"]
    defective, good = judged["true_fail"] + judged["false_pass"], judged["false_fail"] + judged["true_pass"]
    escaped, alarms = (
        f'<span class="{"bad" if number else "good"}">{_share(number, whole)}</span>'
        for number, whole in ((judged["false_pass"], defective), (judged["false_fail"], good))
    )
    return (
        f'<p class="lead">Of the test photos with a defect {escaped} would escape; of the good ones {alarms} would '
        "raise a false alarm.</p>"
        '<p class="quiet">mAP, from 0 to 1, says how well defects are found, named and framed: @.50 asks that a found '
        "box overlaps the labelled "
        f"one by half, @.50:.95 also rewards tighter boxes.</p>"
    )


def _tiles(candidate: Scores) -> str:
    return f"""<div class="tiles">{tile(_number(candidate["map50"]), "mAP@.50")}
{tile(_number(candidate["map50_95"]), "mAP@.50:.95")}
{tile(f"{candidate['latency_ms']['median']:.1f} ms", "a photo, one CPU core")}
{tile(f"{candidate['size_bytes'] / 1e6:.1f} MB", "model.onnx")}</div>"""


def _pass_or_fail(candidate: Scores) -> str:
    judged = candidate["confusion"]
    rows = (
        ("has a defect", f"{judged['true_fail']} caught", f"{judged['false_pass']} escaped"),
        ("has none", count(judged["false_fail"], "false alarm"), f"{judged['true_pass']} passed"),
    )
    return f"""<h2>Pass or fail</h2><p>At the decision threshold {candidate["threshold"]:.2f}:</p>
{table(("", "model says fail", "model says pass"), rows, numeric=(1, 2), titled=True)}
<p class="quiet">A photo counts here by its verdict alone, wherever the boxes are: any find fails it, one beside the
defect too. mAP and the photos below tell whether
the boxes are right.</p>"""


def _beside(result: Evaluation, candidate: Scores) -> str:
    """Return the candidate, the champion and the int8 variant on the same images, and what the bootstrap says."""
    int8 = result["int8"]["candidate"] if result["int8"] else None
    columns = {"this model": candidate, "model in service": result["champion"], "int8 variant": int8}
    shown = {name: scores for name, scores in columns.items() if scores}
    cells: dict[str, Callable[[Scores], str]] = {
        "mAP@.50": lambda scores: _number(scores["map50"]),
        "mAP@.50:.95": lambda scores: _number(scores["map50_95"]),
        "escaped defects": lambda scores: str(scores["confusion"]["false_pass"]),
        "false alarms": lambda scores: str(scores["confusion"]["false_fail"]),
        "decision threshold": lambda scores: f"{scores['threshold']:.2f}",
        "an image, median": lambda scores: f"{scores['latency_ms']['median']:.1f} ms",
        "an image, 95th percentile": lambda scores: f"{scores['latency_ms']['p95']:.1f} ms",
        "size": lambda scores: f"{scores['size_bytes'] / 1e6:.1f} MB",
    }
    rows = [[title, *map(cell, shown.values())] for title, cell in cells.items()]
    compared = table(["", *shown], rows, numeric=range(1, len(shown) + 1), titled=True)
    return f"<h2>Beside the others</h2>{compared}{_difference(result)}"


def _difference(result: Evaluation) -> str:
    if error := result["champion_error"]:
        return f'<p class="bad">The model in service can\'t be compared: {html.escape(error)}.</p>'
    bootstrap = result["bootstrap"]
    if not result["champion"] or not bootstrap:
        return "<p>There is no model in service yet to compare with.</p>"
    difference = bootstrap["difference_map50"]
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
        f"{bootstrap['replicates']} draws of whole "
        f"groups of photos of one part.)</span></p>"
    )


def _threshold(result: Evaluation) -> str:
    """Return how the decision threshold was chosen, or that nothing was there to choose it from."""
    choice = result["threshold_choice"]
    head = "<h2>How the threshold was chosen</h2><p>A photo fails when the surest defect found reaches the threshold."
    if not choice["images"]:
        return f"{head} There is no validation photo to choose it from: {choice['threshold']:.2f} is the default.</p>"
    ratio = choice["escape_cost"] / choice["alarm_cost"]
    curve = choice["curve"]
    mark = (choice["threshold"], f"chosen: {choice['threshold']:.2f}")
    top = max((point["cost"] for point in curve), default=1.0) or 1.0
    expected = {"expected cost": [(point["threshold"], point["cost"]) for point in curve]}
    shares = {
        "escaped defects": [(point["threshold"], point["escapes"]) for point in curve],
        "false alarms": [(point["threshold"], point["alarms"]) for point in curve],
    }
    charts = chart(expected, "decision threshold", "Expected cost of a photo", top, mark) + chart(
        shares, "decision threshold", "Share of photos", 1.0, mark
    )
    return f"""{head} An escaped defect counts as
{ratio:g} false alarm{"" if ratio == 1 else "s"} here (<code>escape_cost</code> {choice["escape_cost"]:g},
<code>alarm_cost</code> {choice["alarm_cost"]:g}): a lower threshold lets fewer
defects escape and raises more alarms.
{choice["threshold"]:.2f} costs least on the {count(choice["images"], "validation photo")}; the test photos
had no say in it.</p>
<div class="tiles">{charts}</div>"""


def _classes(candidate: Scores, curves: Curves, history: History) -> str:
    rows = [
        (name, _number(scores["ap50"]), _number(scores["ap50_95"]), _number(scores["recall"]))
        for name, scores in candidate["per_class"].items()
    ]
    points = {name: [(recall, precision) for recall, precision, _ in curve] for name, curve in curves.items()}
    drawn = chart(points, "recall: share of the defects found", "Precision: share of the finds that are right")
    return f"""<h2>Defect types</h2>{table(("type", "AP@.50", "AP@.50:.95", "recall"), rows, numeric=(1, 2, 3))}
<p class="quiet">Recall: the share of labelled defects of this type that are found at the decision threshold; – where
the test photos show none.</p>
<div class="tiles">{drawn}{training_charts(history)}</div>"""


def _left_out(result: Evaluation) -> str:
    """Return what could not be used, by name and reason; of many the first."""
    blocks = _reasons("These images can't be decoded and were measured by nobody:", result["undecodable"]) + _reasons(
        "These labels can't be used; a box costs only itself, a record its image:", result["left_out"]
    )
    return f"<h2>Left out</h2>{blocks}" if blocks else ""


def _reasons(said: str, entries: list[LeftOut]) -> str:
    if not entries:
        return ""
    rows = "".join(
        f"<li>{html.escape(entry.get('name', entry['image']))} ({entry['split']}): {html.escape(entry['reason'])}</li>"
        for entry in entries[:SHOWN_LEFT_OUT]
    )
    more = len(entries) - SHOWN_LEFT_OUT
    rest = f"<p>{more} more in evaluation.json.</p>" if more > 0 else ""
    return f'<p class="bad">{said}</p><ul>{rows}</ul>{rest}'
