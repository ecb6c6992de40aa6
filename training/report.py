"""The evaluation as one HTML file that a quality engineer reads: no script, no request to anywhere."""

import base64
import html
import io
from typing import Any

from PIL import Image, ImageDraw

from sightline.vision.decode import Pixels

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { padding: .3rem .8rem; border-bottom: 1px solid #8886; text-align: left; }
.number { font-size: 2.2rem; font-weight: 650; } .tiles { display: flex; gap: 2.5rem; flex-wrap: wrap; }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figure img { width: 100%; border-radius: .4rem; } figcaption { font-size: .85rem; opacity: .8; overflow-wrap: anywhere; }
.key b { color: #1a9850; } .key i { color: #d6382d; font-style: normal; } svg { max-width: 100%; height: auto; }
"""
LABEL, DETECTION = (26, 152, 80), (214, 56, 45)
SHOWN = 12


def picture(pixels: Pixels, labels: list[Any], detections: list[dict[str, Any]], width: int = 480) -> str:
    """An image as a data URI, labels in green, detections in red with their score."""
    image = Image.fromarray(pixels)
    scale = width / image.width
    image = image.resize((width, max(1, round(image.height * scale))))
    draw = ImageDraw.Draw(image)
    for box in labels:
        draw.rectangle([edge * scale for edge in box], outline=LABEL, width=2)
    for detection in detections:
        box = [edge * scale for edge in detection["box"]]
        draw.rectangle(box, outline=DETECTION, width=2)
        draw.text((box[0] + 3, max(0, box[1] - 12)), f"{detection['score']:.2f}", fill=DETECTION)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def figure(uri: str, caption: str) -> str:
    return f'<figure><img src="{uri}" alt="{html.escape(caption)}"><figcaption>{html.escape(caption)}</figcaption></figure>'


def chart(lines: dict[str, list[tuple[float, float]]], x_label: str, y_label: str, y_top: float = 1.0) -> str:
    """A line chart as SVG; `lines` gives points (x, y) by name; x runs from 0 to its largest value, y from 0 to `y_top`."""
    width, height, left, bottom = 460, 260, 46, 36
    right = max((x for points in lines.values() for x, _ in points), default=1.0) or 1.0
    colours = ["#3b6fd4", "#d6382d", "#1a9850", "#a05fbd", "#c77d0a"]
    parts = [f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{html.escape(y_label)}">']
    for step in range(5):
        y = (height - bottom) * (1 - step / 4) + 8 * (step / 4)
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>')
        parts.append(f'<text x="4" y="{y + 4:.1f}" font-size="11" fill="currentColor">{y_top * step / 4:.2f}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = colours[number % len(colours)]
        places = " ".join(
            f"{left + (width - left - 8) * x / right:.1f},{(height - bottom) - (height - bottom - 8) * min(y / y_top, 1):.1f}"
            for x, y in points
        )
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{places}"/>')
        parts.append(
            f'<text x="{left + 8}" y="{24 + 15 * number}" font-size="12" fill="{colour}">{html.escape(name)}</text>'
        )
    parts.append(
        f'<text x="{width / 2:.0f}" y="{height - 6}" font-size="12" fill="currentColor">{html.escape(x_label)}</text></svg>'
    )
    return "".join(parts)


def training_chart(history: list[dict[str, float]]) -> str:
    names = {"mAP@.50": "validation:map50", "mAP@.50:.95": "validation:map50_95"}
    lines = {
        label: [(entry["epoch"], entry[name]) for entry in history if name in entry] for label, name in names.items()
    }
    return chart(lines, "epoch", "mAP on the validation images")


def loss_chart(history: list[dict[str, float]]) -> str:
    points = [(entry["epoch"], entry["train:loss"]) for entry in history]
    top = max((loss for _, loss in points), default=1.0)
    return chart({"training loss": points}, "epoch", "training loss", top)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def render(
    result: dict[str, Any],
    history: list[dict[str, float]],
    curves: dict[str, list[tuple[float, float, float]]],
    images: dict[str, Pixels],
) -> str:
    """The page; `images` by name as in `result["per_image"]`, `curves` (recall, precision, score) by class."""
    candidate, champion = result["candidate"], result["champion"]
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{_number(entry['ap50'])}</td><td>{_number(entry['ap50_95'])}</td>"
        f"<td>{_number(entry['recall'])}</td></tr>"
        for name, entry in candidate["per_class"].items()
    )
    table = candidate["confusion"]
    worst_first = sorted(result["per_image"], key=lambda entry: -abs(len(entry["labels"]) - len(entry["detections"])))
    pictures = "".join(
        figure(
            picture(images[entry["image"]], entry["labels"], entry["detections"]),
            f"{len(entry['labels'])} labelled, {len(entry['detections'])} found",
        )
        for entry in worst_first[:SHOWN]
    )
    beside = (
        f"<p>The model in service reaches mAP@.50 {_number(champion['map50'])} on the same images.</p>"
        if champion
        else ""
    )
    points = {name: [(recall, precision) for recall, precision, _ in curve] for name, curve in curves.items()}
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation of {html.escape(result["training_job"])}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<h1>Evaluation</h1><p>{html.escape(result["training_job"])}, dataset {result["dataset_version"]}: {result["test_images"]} test images of
{result["test_groups"]} groups that training has never seen.</p>
<div class="tiles"><div><div class="number">{_number(candidate["map50"])}</div>mAP@.50</div>
<div><div class="number">{_number(candidate["map50_95"])}</div>mAP@.50:.95</div>
<div><div class="number">{candidate["latency_ms"]["median"]:.1f} ms</div>an image, one CPU core</div>
<div><div class="number">{candidate["size_bytes"] / 1e6:.1f} MB</div>model.onnx</div></div>{beside}
<h2>Pass or fail</h2><p>At the decision threshold {candidate["threshold"]:.2f}:</p>
<table><tr><th></th><th>model says fail</th><th>model says pass</th></tr>
<tr><th>has a defect</th><td>{table["true_fail"]}</td><td>{table["false_pass"]} escaped</td></tr>
<tr><th>has none</th><td>{table["false_fail"]} false alarms</td><td>{table["true_pass"]}</td></tr></table>
<h2>Classes</h2><table><tr><th>class</th><th>AP@.50</th><th>AP@.50:.95</th><th>recall</th></tr>{rows}</table>
<h2>Curves</h2><div class="tiles">{chart(points, "recall", "precision")}{training_chart(history)}{loss_chart(history)}</div>
<h2>Test images, the least right first</h2><p class="key"><b>green: labelled</b>, <i>red: found</i></p>
<div class="images">{pictures}</div></html>"""
