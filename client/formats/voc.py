"""Pascal VOC XML: one file for an image. Pixels count from 1 and `xmax`, `ymax` are inside the box, as its development
kit has it.
"""

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, tostring  # only written with this

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from client.formats.common import (
    BadLabelError,
    InvalidLabelsError,
    LabelBox,
    LabeledImage,
    LabelSet,
    Report,
    Sizes,
    box,
    check,
    file_name,
    files,
    image,
    number,
    read_bytes,
    shown,
    size,
    stem,
    why,
    write_text,
)

NAME = "voc"
TITLE = "Pascal VOC XML"
SAYS = frozenset({"size"})


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """A file, or every `*.xml` below a folder. Classes come in the order of the alphabet."""
    images: list[LabeledImage] = []
    for file in files(path, "*.xml", TITLE):
        try:
            root = fromstring(read_bytes(file), forbid_dtd=True)  # bytes: an XML file says its encoding itself
        except (ParseError, DefusedXmlException, LookupError, ValueError, RecursionError) as error:
            if path.is_file():
                raise InvalidLabelsError(f"{file} is not {TITLE} ({why(error)})") from error
            # Without line and column, so that files with the same problem are one line.
            problem = str(error) if isinstance(error, BadLabelError) else type(error).__name__
            report.refuse(f"not {TITLE}: {problem}", shown(file.name))
            continue
        name = (root.findtext("filename") or "").strip() or file.stem
        try:
            check(root.tag == "annotation", f"not {TITLE}: its outermost element is {root.tag!r:.40}")
            images.append(_image(root, name, report))
        except BadLabelError as error:
            report.refuse(str(error), shown(name))
    return LabelSet(sorted({entry.class_name for labeled in images for entry in labeled.boxes}), images)


def _image(root: Element, name: str, report: Report) -> LabeledImage:
    measured = root.find("size")
    pixels = None if measured is None else size(measured.findtext("width"), measured.findtext("height"))
    boxes = []
    for entry in root.findall("object"):
        for flag in ("difficult", "truncated", "occluded"):
            if (entry.findtext(flag) or "0").strip() not in ("", "0"):
                report.lose(f"the flag `{flag}` of a box", shown(name))
        if (entry.findtext("pose") or "").strip() not in ("", "Unspecified"):
            report.lose("the pose of a box", shown(name))
        if entry.find("part") is not None:
            report.lose("the parts of a box", shown(name))
        boxes.append(_box(entry))
    if (root.findtext("segmented") or "0").strip() not in ("", "0"):
        report.lose("the segmentation of an image", shown(name))
    return image(name, pixels, boxes)


def _box(entry: Element) -> LabelBox:
    edges = entry.find("bndbox")
    if edges is None:
        raise BadLabelError("an object without bndbox")
    left, top, right, bottom = (number(edges.findtext(edge), edge) for edge in ("xmin", "ymin", "xmax", "ymax"))
    return box((entry.findtext("name") or "").strip(), left - 1, top - 1, right - left + 1, bottom - top + 1)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """`Annotations/<name>.xml`, and the names of each split in `ImageSets/Main/<split>.txt`."""
    written: dict[Path, str] = {}
    lists = []
    for split, labels in splits.items():
        names = []
        for labeled in labels.images:
            named = file_name(labeled, report)
            name = stem(named)
            target = folder / "Annotations" / f"{name}.xml"
            if target in written:
                report.refuse(f"{TITLE} has one file for all images of this name, and another one has it", labeled.name)
                continue
            root = _element(labeled, named)
            indent(root)
            written[write_text(target, tostring(root, encoding="unicode") + "\n")] = name
            names.append(name)
        lists.append(write_text(folder / "ImageSets" / "Main" / f"{split}.txt", "".join(f"{name}\n" for name in names)))
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
