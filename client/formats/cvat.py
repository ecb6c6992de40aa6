"""CVAT's own XML, "CVAT for images 1.1": one file with all images of a task, each with its shapes, in pixels.

CVAT lists the images that nobody has looked at, too. So an image without a shape is in doubt.
"""

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # only written with this

from client.formats import checks, files
from client.formats.checks import BadLabelError, InvalidLabelsError, check
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes, used_classes
from client.formats.report import Report
from client.formats.shapes import Upright, ellipse

NAME = "cvat"
TITLE = "CVAT for images XML"
FILES = "*.xml"
SAYS = frozenset({"size", "classes"})
DOUBT = "no shape, and CVAT also lists images that nobody has looked at"
BOXLESS = ("points", "cuboid", "skeleton")


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a file, or of every one below a folder, with the classes in the order of the task."""
    classes: list[str] = []
    images: list[LabeledImage] = []
    for file in files.found(path, FILES, TITLE):
        root = files.read_xml(file, TITLE, report, alone=path.is_file())
        if root is None:
            continue
        _check_root(root, file)
        before = len(images)
        for entry in root.findall("image"):
            name = entry.get("name")
            try:
                images.append(_image(entry, checks.text(name, "the name of an image"), report))
            except BadLabelError as error:
                report.refuse(str(error), checks.shown(name))
        classes += _classes(root)
        report.look(file.name, images[before:])
    return LabelSet(list(dict.fromkeys([*classes, *used_classes(images)])), images)


def _check_root(root: Element, file: Path) -> None:
    """Raise InvalidLabelsError for an XML file that is not of this format."""
    if root.tag == "annotation":
        raise InvalidLabelsError(f"{file} is not {TITLE}, but Pascal VOC XML: give --format voc")
    if root.find("track") is not None:
        raise InvalidLabelsError(f"{file} is CVAT for video, which names no images; export as CVAT for images")
    if root.tag != "annotations" or root.find("image") is None:
        raise InvalidLabelsError(f"{file} is not {TITLE}: it has no element `annotations` with images in it")


def _classes(root: Element) -> list[str]:
    """Return the classes that a task, a job or a project declares."""
    names = [found.text for found in root.findall("meta/*/labels/label/name")]
    return [checks.class_name(name, "the name of a label") for name in names if (name or "").strip()]


def _image(entry: Element, name: str, report: Report) -> LabeledImage:
    measured = checks.size_if_known(entry.get("width"), entry.get("height"))
    shapes = [shape for shape in entry if shape.tag not in ("tag", "attribute")]
    tags = [checks.brief(tag.get("label")) for tag in entry.findall("tag")]
    if tags and not shapes:
        raise BadLabelError(f"no shape, but the tag {', '.join(tags)}, which may mean a defect")
    if tags:
        report.lose("a tag of an image", name)
    return checks.image(name, measured, [_box(shape, name, report) for shape in shapes], doubt=DOUBT)


def _box(shape: Element, name: str, report: Report) -> LabelBox:
    """Return the upright box around a shape. Raise BadLabelError."""
    check(shape.get("outside") != "1", "a box that a track has outside the picture")
    if shape.get("occluded") not in (None, "", "0"):
        report.lose("the flag `occluded` of a box", name)
    if shape.find("attribute") is not None:
        report.lose("the attributes of a box", name)
    turned = checks.number(shape.get("rotation") or 0, "the rotation of a box") % 360
    if turned:
        report.lose("the rotation of a box (its upright box is taken)", name)
    found = _upright(shape, turned, name, report)
    return checks.box(shape.get("label"), found.left, found.top, found.width, found.height)


def _upright(shape: Element, turned: float, name: str, report: Report) -> Upright:
    kind = str(shape.tag)
    check(kind not in BOXLESS, f"a shape {kind!r}, which has no box")
    if kind == "box":
        left, top, right, bottom = _numbers(shape, "xtl", "ytl", "xbr", "ybr")
        checks.check_pixels(left, top, right, bottom)
        check(right > left and bottom > top, "a box without width or height, or with a negative one")
        return Upright(left, top, right - left, bottom - top).turned(turned)
    if kind == "ellipse":
        report.lose("the outline of a box (its upright box is taken)", name)
        x, y, across, down = _numbers(shape, "cx", "cy", "rx", "ry")
        check(across > 0 and down > 0, "a box without width or height, or with a negative one")
        return ellipse(x, y, across, down, turned)
    if kind in ("polygon", "polyline"):
        report.lose("the outline of a box (its upright box is taken)", name)
        return Upright.around(_points(shape))
    if kind == "mask":
        runs = (shape.get("rle") or "").split(",")
        check(any(checks.whole(run, "a number of a mask") > 0 for run in runs[1::2]), "a mask without a pixel")
        report.lose("the mask of a box (the box around it is taken)", name)
        return Upright(*_numbers(shape, "left", "top", "width", "height"))
    raise BadLabelError(f"an element {kind!r:.40}, which may be a shape")


def _numbers(shape: Element, *names: str) -> tuple[float, float, float, float]:
    first, second, third, fourth = (checks.number(shape.get(name), name) for name in names)
    return first, second, third, fourth


def _points(shape: Element) -> list[tuple[float, float]]:
    """Return the points of `x,y;x,y`. Raise BadLabelError."""
    pairs = [pair.split(",") for pair in (shape.get("points") or "").split(";")]
    check(len(pairs) > 1 and all(len(pair) == 2 for pair in pairs), "an outline of fewer than two points")
    return [(checks.number(x, "x of an outline"), checks.number(y, "y of an outline")) for x, y in pairs]


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """Write `<split>.xml` for each split."""
    return files.write_each(splits, folder, ".xml", _xml)


def _xml(labels: LabelSet) -> str:
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    declared = SubElement(SubElement(SubElement(root, "meta"), "task"), "labels")
    for name in labels.classes:
        SubElement(SubElement(declared, "label"), "name").text = name
    for number, labeled in enumerate(labels.images):
        sides = dict(zip(("width", "height"), map(str, labeled.size or (0, 0)), strict=True))
        image = SubElement(root, "image", {"id": str(number), "name": labeled.name, **sides})
        for box in labeled.boxes:
            edges = {"xtl": box.left, "ytl": box.top, "xbr": box.left + box.width, "ybr": box.top + box.height}
            written = {name: f"{edge:.10g}" for name, edge in edges.items()}
            SubElement(image, "box", {"label": box.class_name, "source": "manual", "occluded": "0", **written})
    indent(root)
    return tostring(root, encoding="unicode") + "\n"
