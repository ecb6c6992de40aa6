"""The photos on the page of an evaluation: the worst and the best ones, and labels that look wrong."""

from collections.abc import Callable, Iterable

from reporting.page import count, figure
from reporting.pictures import Find, finds, picture
from sightline.models.evaluation import DoubtedLabel, Evaluation, PhotoResult
from sightline.vision.decode import Pixels

SHOWN = 12
SHOWN_BEST = 8
MISTAKES = ("escape", "false alarm")
SAID = {"escape": "ESCAPED", "false alarm": "FALSE ALARM", "caught": "caught", "passed": "passed"}

PixelsOf = Callable[[str, str], Pixels]  # of a split and the name of an image in it


def worst_first(entries: Iterable[PhotoResult]) -> list[PhotoResult]:
    """Return escapes, then false alarms, then others by how much is wrong; of equals the surest mistake first."""
    rank = {outcome: place for place, outcome in enumerate(MISTAKES)}

    def key(entry: PhotoResult) -> tuple[float, ...]:
        surest = max((found["score"] for found in entry["detections"]), default=0.0)
        return rank.get(entry["outcome"], len(MISTAKES)), entry["quality"], -surest

    return sorted(entries, key=key)


def best_first(entries: Iterable[PhotoResult]) -> list[PhotoResult]:
    """Return images with a defect, all of them found and nothing else; the least sure detection decides among them."""
    right = [entry for entry in entries if entry["outcome"] == "caught" and entry["quality"] == 1]
    return sorted(right, key=lambda entry: -min(found["score"] for found in entry["detections"]))


def photos(result: Evaluation, pixels: PixelsOf) -> str:
    """Return the section of the worst and the best test photos."""
    entries = result["per_image"]
    wrong = [entry for entry in worst_first(entries) if entry["quality"] < 1 or entry["outcome"] in MISTAKES]
    blocks = ['<h2>Photos</h2><p class="key"><b>Green: labelled</b>, <i>red: found, with its score</i>.</p>']
    for title, chosen, nothing in (
        (
            "Worst first: escaped defects, false alarms, then what was missed or wrongly framed",
            wrong[:SHOWN],
            "Nothing went wrong on any test photo.",
        ),
        ("Best", best_first(entries)[:SHOWN_BEST], "On no photo with a defect everything was right."),
    ):
        shown = "".join(_photo(entry, pixels("test", entry["image"])) for entry in chosen)
        blocks.append(f"<h3>{title}</h3>" + (f'<div class="images">{shown}</div>' if shown else f"<p>{nothing}</p>"))
    more = len(wrong) - SHOWN
    return "".join(blocks) + (
        f'<p class="quiet">{count(more, "more photo")} with a mistake in evaluation.json.</p>' if more > 0 else ""
    )


def _photo(entry: PhotoResult, pixels: Pixels) -> str:
    labels = ", ".join(sorted(set(entry["label_classes"]))) or "no defect"
    seen = ", ".join(sorted({found["class"] for found in entry["detections"]})) or "nothing"
    return figure(
        picture(pixels, entry["labels"], finds(entry["detections"])),
        f"{SAID[entry['outcome']]}. Labelled: {labels}. Found: {seen}. {entry.get('name', entry['image'])}",
    )


def doubted_labels(result: Evaluation, pixels: PixelsOf) -> str:
    """Return the section of labels that look wrong; nothing where none does."""
    found = result["suspicious_labels"]
    if not found:
        return ""
    shown = "".join(_doubt(doubt, pixels(doubt["split"], doubt["image"])) for doubt in found[:SHOWN])
    return f"""<h2>Labels worth a second look</h2><p>The model is sure and the label disagrees, on
{len({doubt["image"] for doubt in found})} photos that it did not learn from. Either
may be wrong: a wrong label here makes the numbers above worse, or better, than they are.</p>
<p class="key"><b>Green: labelled</b>, <i>red: in doubt</i>.</p><div class="images">{shown}</div>"""


def _doubt(doubt: DoubtedLabel, pixels: Pixels) -> str:
    shown = picture(pixels, doubt["labels"], [Find(doubt["box"], doubt["score"])])
    return figure(shown, f"{doubt.get('name', doubt['image'])}: {doubt['why']}")
