"""A dataset version as one HTML page: why images are in one group, that no near-twins lie across splits, the set's
health.
"""

import html

from reporting.dataset_groups import Nearest, across, contact_sheet, members_of, nearest
from reporting.dataset_images import Looked
from reporting.dataset_labels import balance, quarrel_pictures, quarrels, sizes, suspicious
from reporting.dataset_light import exposure_and_sharpness
from reporting.page import long_table, page, tile
from sightline.datasets import agreement
from sightline.datasets.snapshot import DatasetDescription

MORE_STYLE = """
.group { border-top: 1px solid #8886; padding: .6rem 0 1rem; } .group h3 { margin: .2rem 0 .5rem; font-size: 1rem; }
.images { grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .7rem; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); gap: 1rem; }
.pair { display: flex; gap: .4rem; } .pair figure { flex: 1; } .good { color: #1a9850; } .bad { color: #d6382d; }
.verdict { font-size: 1.15rem; font-weight: 600; } td { overflow-wrap: anywhere; }
.missing { border: 1px dashed #d6382d; padding: 1rem .5rem; }
"""


def render(description: DatasetDescription, images: list[Looked]) -> str:
    """Return the page; `description` is dataset.json."""
    classes = [name for _, name in sorted(description["class_map"].items(), key=lambda entry: int(entry[0]))]
    closest: Nearest = {}
    for members in members_of(images).values():
        closest |= nearest(members)
    odd, fights = suspicious(images), quarrels(images, closest)
    lost = [[image.name, image.split, image.problem] for image in images if image.problem]
    empty = sum(not image.boxes for image in images)
    tiles = "".join(
        [
            tile(str(len(images)), "images"),
            tile(str(len(members_of(images))), "groups of near-twins"),
            tile(str(sum(len(image.boxes) for image in images)), "boxes"),
            tile(str(empty), "images without a defect"),
            tile(str(len(odd) + len(fights)), "labels to look at"),
        ]
    )
    odd_boxes = long_table(
        ["image", "split", "what"],
        [[image.name, image.split, what] for image, what in odd],
        "None: no duplicate, tiny, whole-image or cut-off box.",
    )
    body = f"""<h1>Dataset {html.escape(description["version"])}</h1>
<p>{html.escape(description.get("split_rule", ""))}. Labels are drawn in green.</p><div class="tiles">{tiles}</div>
<h2>Near-twins and splits</h2>{across(images)}
<h2>Classes and splits</h2>{balance(images, classes)}
<h2>Labels to look at</h2>
<h3>Near-twins whose labels disagree</h3><p>Two photos of one part, as its pixels say; one of the labels is likely wrong
or incomplete.</p>
{quarrel_pictures(fights)}
<h3>Suspicious boxes</h3>{odd_boxes}
<h3>Box sizes</h3><p>Area as a share of the image.</p>{sizes(images, classes)}
<h2>Light and sharpness</h2>{exposure_and_sharpness(images)}
<h2>Images that could not be looked at</h2>
{long_table(["image", "split", "why"], lost, "None: every image is there, decodes and has the size its label says.")}
<h2>Groups of near-twins</h2><p>Two images are near-twins when the fine detail of their pixels agrees nearly everywhere,
by {agreement.AGREEMENT} or more
of a correlation from -1 to 1. A group is what chains of near-twins connect, and in a larger one most images are
near-twins; it lies on one side of the splits as a whole. Below each picture is the one it agrees with best.</p>
{contact_sheet(images, closest)}"""
    return page(f"Dataset {description['version']}", body, style=MORE_STYLE)
