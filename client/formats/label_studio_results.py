"""The results of a Label Studio annotation: regions with a shape and labels, and what is said beside them.

A region that has no upright box takes its image out: with fewer boxes than a person drew, the image would say that
there is no defect in that place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from client.formats import brush, checks
from client.formats.checks import BadLabelError, check, entries, mapping, member
from client.formats.label_set import LabelBox
from client.formats.report import Report
from client.formats.shapes import Upright, ellipse

SHAPES = ("rectangle", "polygon", "ellipse", "brush")  # with `labels` at the end where they have their own
SHAPELESS = ("choices", "textarea", "rating", "number", "taxonomy", "datetime", "labels", "relation", "pairwise")


@dataclass(frozen=True, slots=True)
class Found:
    """The boxes of an annotation, and the size of the image where a region says it."""

    boxes: list[LabelBox]
    size: tuple[int, int] | None


def read(results: Sequence[object], known: tuple[int, int] | None, name: str, report: Report) -> Found:
    """Return the boxes of one annotation. Raise BadLabelError for what can't become a box."""
    given = [mapping(result) for result in results]
    beside = [result for result in given if _shape(result) is None]
    boxes: list[LabelBox] = []
    for result in given:
        if _shape(result) is not None:
            known = checks.size_if_known(result.get("original_width"), result.get("original_height")) or known
            check(known is not None, "a box in percent of an image whose size is not known")
            boxes.append(_box(result, beside, known or (0, 0), name, report))
    kinds = sorted({checks.brief(member(result, "type")) for result in beside if result.get("type") != "labels"})
    if kinds and not boxes:
        raise BadLabelError(f"no box, but a result of the type {', '.join(kinds)}, which may mean a defect")
    for kind in kinds:
        report.lose(f"a result of the type {kind}", name)
    return Found(boxes, known)


def _shape(result: Mapping[str, object]) -> str | None:
    """Return the shape of a region, None for a result without one. Raise BadLabelError for another shape."""
    kind = member(result, "type")
    if kind in SHAPELESS:
        return None
    shape = kind.removesuffix("labels") if isinstance(kind, str) else ""
    check(shape in SHAPES, f"a result of the type {checks.brief(kind)}, which has no box")
    return shape


def _box(
    result: Mapping[str, object],
    beside: Sequence[Mapping[str, object]],
    size: tuple[int, int],
    name: str,
    report: Report,
) -> LabelBox:
    """Return the upright box around a region. Raise BadLabelError."""
    labels = _labels(result, beside)
    check(bool(labels), "a box without a class")
    if len(labels) > 1:
        report.lose("further classes of a box", name)
    if checks.number(result.get("image_rotation") or 0, "the rotation of the image") % 360:
        raise BadLabelError("its image was turned while it was labelled")
    if result.get("score") is not None:
        report.lose("the score of a box", name)
    found = _upright(_shape(result) or "", mapping(member(result, "value")), size, name, report)
    return checks.box(labels[0], found.left, found.top, found.width, found.height)


def _labels(result: Mapping[str, object], beside: Sequence[Mapping[str, object]]) -> Sequence[object]:
    """Return the classes of a region: its own, or those of the results without a shape that have its id."""
    value, kind = mapping(member(result, "value")), str(member(result, "type"))
    if kind.endswith("labels"):
        return entries(member(value, kind))
    same = [other for other in beside if "id" in other and other["id"] == result.get("id")]
    return [label for other in same for label in entries(mapping(member(other, "value")).get("labels", []))]


def _upright(shape: str, value: Mapping[str, object], size: tuple[int, int], name: str, report: Report) -> Upright:
    """Return the upright box around a shape, in pixels. Raise BadLabelError."""
    across, down = size[0] / 100, size[1] / 100
    turned = checks.number(value.get("rotation") or 0, "the rotation of a box") % 360
    if shape == "brush":
        found = brush.box(member(value, "rle"), size)
        report.lose("the mask of a brush (the box around it is taken)", name)
        return found
    if shape == "polygon":
        report.lose("the outline of a box (its upright box is taken)", name)
        points = [_point(entry) for entry in entries(member(value, "points"))]
        check(len(points) > 2, "an outline of fewer than three points")
        return Upright.around(points).scaled(across, down)
    if turned:
        report.lose("the rotation of a box (its upright box is taken)", name)
    x, y = (checks.number(member(value, key), key) for key in ("x", "y"))
    if shape == "ellipse":
        report.lose("the outline of a box (its upright box is taken)", name)
        wide, high = (checks.number(member(value, key), key) for key in ("radiusX", "radiusY"))
        check(wide > 0 and high > 0, "a box without width or height, or with a negative one")
        return ellipse(x * across, y * down, wide * across, high * down, turned)
    width, height = (checks.number(member(value, key), key) for key in ("width", "height"))
    found = Upright(x, y, width, height).scaled(across, down)
    if turned and width > 0 and height > 0:  # about the corner where it was begun
        return found.turned(turned, (found.left, found.top))
    return found


def _point(value: object) -> tuple[float, float]:
    pair = entries(value)
    check(len(pair) == 2, "a point that is not two numbers")
    return checks.number(pair[0], "x of a point"), checks.number(pair[1], "y of a point")
