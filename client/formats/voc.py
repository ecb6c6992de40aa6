"""Pascal VOC XML: one file for an image. Pixels count from 1 and `xmax`, `ymax` are inside the box, as its development
kit has it.
"""

import math
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # only written with this

from client.formats import checks, files
from client.formats.checks import BadLabelError, check
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report
from client.formats.shapes import Upright

NAME = "voc"
TITLE = "Pascal VOC XML"
FILES = "*.xml"
SAYS = frozenset({"size"})
NESTED = ("object", "size", "source", "owner")  # elements of an image that have others in them
SHAPES = ("bndbox", "robndbox", "polygon")


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a file, or of every one below a folder."""
    images: list[LabeledImage] = []
    for file in files.found(path, FILES, TITLE):
        root = files.read_xml(file, TITLE, report, alone=path.is_file())
        if root is None:
            continue
        name = (root.findtext("filename") or "").strip() or file.stem
        try:
            check(root.tag == "annotation", f"not {TITLE}: its outermost element is {root.tag!r:.40}{_hint(root)}")
            images.append(_image(root, name, file.stem, report))
        except BadLabelError as error:
            report.refuse(str(error), checks.shown(name))
    return LabelSet.by_alphabet(images)


def _hint(root: Element) -> str:
    return "; CVAT's own XML: give --format cvat" if root.tag == "annotations" else ""


def _image(root: Element, name: str, file: str, report: Report) -> LabeledImage:
    """Return an image, which is called as its element `filename` says and as its own file is."""
    measured = root.find("size")
    pixels = None if measured is None else checks.size_if_known(measured.findtext("width"), measured.findtext("height"))
    boxes = []
    _check_strange(root)
    for entry in root.findall("object"):
        for flag in ("difficult", "truncated", "occluded"):
            if (entry.findtext(flag) or "0").strip() not in ("", "0"):
                report.lose(f"the flag `{flag}` of a box", checks.shown(name))
        if (entry.findtext("pose") or "").strip() not in ("", "Unspecified"):
            report.lose("the pose of a box", checks.shown(name))
        if entry.find("part") is not None:
            report.lose("the parts of a box", checks.shown(name))
        boxes.append(_box(entry, checks.shown(name), report))
    if (root.findtext("segmented") or "0").strip() not in ("", "0"):
        report.lose("the segmentation of an image", checks.shown(name))
    return checks.image(name, pixels, boxes, also=[file])


def _check_strange(root: Element) -> None:
    """Raise BadLabelError where an element that is not known may be an object."""
    for element in root:
        shaped = any(element.find(f".//{shape}") is not None for shape in SHAPES) and element.tag != "object"
        nested = len(element) > 0 and element.tag not in NESTED and root.find("object") is None
        check(not shaped and not nested, f"an element {element.tag!r:.40}, which may be an object")


def _box(entry: Element, name: str, report: Report) -> LabelBox:
    """Return the upright box around an object's box, turned box or outline. Raise BadLabelError."""
    found = _upright(entry, name, report)
    turned = checks.number(_attribute(entry, "rotation") or 0, "the rotation of a box") % 360
    if turned:
        check(found.width > 0 and found.height > 0, "a box without width or height, or with a negative one")
        found = found.turned(turned)
        report.lose("the rotation of a box (its upright box is taken)", name)
    return checks.box((entry.findtext("name") or "").strip(), found.left, found.top, found.width, found.height)


def _upright(entry: Element, name: str, report: Report) -> Upright:
    if (edges := entry.find("bndbox")) is not None:
        left, top, right, bottom = (
            checks.number(edges.findtext(edge), edge) for edge in ("xmin", "ymin", "xmax", "ymax")
        )
        checks.check_pixels(left, top, right, bottom)
        return Upright(left - 1, top - 1, right - left + 1, bottom - top + 1)
    if (turned := entry.find("robndbox")) is not None:  # of roLabelImg
        x, y, width, height = (checks.number(turned.findtext(key), key) for key in ("cx", "cy", "w", "h"))
        angle = checks.number(turned.findtext("angle"), "angle")
        check(abs(angle) <= 2 * math.pi + 0.01, f"a turned box by {angle:g}, which is no angle in radians")
        check(width > 0 and height > 0, "a box without width or height, or with a negative one")
        report.lose("the rotation of a box (its upright box is taken)", name)
        return Upright(x - width / 2, y - height / 2, width, height).turned(math.degrees(angle))
    if (polygon := entry.find("polygon")) is not None:
        report.lose("the outline of a box (its upright box is taken)", name)
        return Upright.around(_points(polygon)).shifted(-1, -1)
    raise BadLabelError("an object without bndbox")


def _points(polygon: Element) -> list[tuple[float, float]]:
    """Return x1, y1, x2, y2, … of Roboflow, or the pt elements of LabelMe. Raise BadLabelError."""
    if nested := polygon.findall("pt"):
        pairs = [(point.findtext("x"), point.findtext("y")) for point in nested]
    else:
        values = {element.tag: element.text for element in polygon}
        pairs = [(values.get(f"x{number}"), values.get(f"y{number}")) for number in range(1, len(values) // 2 + 1)]
    return [(checks.number(x, "x of an outline"), checks.number(y, "y of an outline")) for x, y in pairs]


def _attribute(entry: Element, name: str) -> str:
    """Return what CVAT says of an object beyond Pascal VOC."""
    for attribute in entry.findall("attributes/attribute"):
        if attribute.findtext("name") == name:
            return (attribute.findtext("value") or "").strip()
    return ""


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """Write `Annotations/<name>.xml`, and the names of each split in `ImageSets/Main/<split>.txt`."""
    written: list[Path] = []
    lists: list[Path] = []
    annotations = folder / "Annotations"
    taken: set[Path] = set()
    for split, labels in splits.items():
        names = []
        for labeled, name, path in files.for_each_image(labels, annotations, ".xml", TITLE, taken, report):
            root = _element(labeled, name)
            indent(root)
            written.append(files.write_text(path, tostring(root, encoding="unicode") + "\n"))
            names.append(files.stem(name))
        place = folder / "ImageSets" / "Main" / f"{split}.txt"
        lists.append(files.write_text(place, "".join(f"{name}\n" for name in names)))
    return [*written, *lists]


def _element(labeled: LabeledImage, name: str) -> Element:
    root = Element("annotation")
    SubElement(root, "filename").text = name
    measured = SubElement(root, "size")
    for tag, value in zip(("width", "height", "depth"), (*(labeled.size or (0, 0)), 3), strict=True):
        SubElement(measured, tag).text = str(value)
    SubElement(root, "segmented").text = "0"
    for entry in labeled.boxes:
        item = SubElement(root, "object")
        for tag, content in (
            ("name", entry.class_name),
            ("pose", "Unspecified"),
            ("truncated", "0"),
            ("difficult", "0"),
        ):
            SubElement(item, tag).text = content
        edges = SubElement(item, "bndbox")
        values = (entry.left + 1, entry.top + 1, entry.left + entry.width, entry.top + entry.height)
        for tag, edge in zip(("xmin", "ymin", "xmax", "ymax"), values, strict=True):
            SubElement(edges, tag).text = f"{edge:.10g}"
    return root
