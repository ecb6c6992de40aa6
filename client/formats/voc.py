"""Pascal VOC XML: one file for an image. Pixels count from 1 and `xmax`, `ymax` are inside the box, as its development
kit has it.
"""

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, tostring  # only written with this

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from client.formats import checks, files
from client.formats.checks import BadLabelError, InvalidLabelsError, check
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report

NAME = "voc"
TITLE = "Pascal VOC XML"
FILES = "*.xml"
SAYS = frozenset({"size"})


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a file, or of every one below a folder."""
    images: list[LabeledImage] = []
    for file in files.found(path, FILES, TITLE):
        try:
            root = fromstring(files.read_bytes(file), forbid_dtd=True)  # bytes: an XML file says its encoding itself
        except (ParseError, DefusedXmlException, LookupError, ValueError, RecursionError) as error:
            if path.is_file():
                raise InvalidLabelsError(f"{file} is not {TITLE} ({checks.why(error)})") from error
            # Without line and column, so that files with the same problem are one line.
            problem = str(error) if isinstance(error, BadLabelError) else type(error).__name__
            report.refuse(f"not {TITLE}: {problem}", checks.shown(file.name))
            continue
        name = (root.findtext("filename") or "").strip() or file.stem
        try:
            check(root.tag == "annotation", f"not {TITLE}: its outermost element is {root.tag!r:.40}")
            images.append(_image(root, name, report))
        except BadLabelError as error:
            report.refuse(str(error), checks.shown(name))
    return LabelSet.by_alphabet(images)


def _image(root: Element, name: str, report: Report) -> LabeledImage:
    measured = root.find("size")
    pixels = None if measured is None else checks.size(measured.findtext("width"), measured.findtext("height"))
    boxes = []
    for entry in root.findall("object"):
        for flag in ("difficult", "truncated", "occluded"):
            if (entry.findtext(flag) or "0").strip() not in ("", "0"):
                report.lose(f"the flag `{flag}` of a box", checks.shown(name))
        if (entry.findtext("pose") or "").strip() not in ("", "Unspecified"):
            report.lose("the pose of a box", checks.shown(name))
        if entry.find("part") is not None:
            report.lose("the parts of a box", checks.shown(name))
        boxes.append(_box(entry))
    if (root.findtext("segmented") or "0").strip() not in ("", "0"):
        report.lose("the segmentation of an image", checks.shown(name))
    return checks.image(name, pixels, boxes)


def _box(entry: Element) -> LabelBox:
    edges = entry.find("bndbox")
    if edges is None:
        raise BadLabelError("an object without bndbox")
    left, top, right, bottom = (checks.number(edges.findtext(edge), edge) for edge in ("xmin", "ymin", "xmax", "ymax"))
    return checks.box((entry.findtext("name") or "").strip(), left - 1, top - 1, right - left + 1, bottom - top + 1)


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
