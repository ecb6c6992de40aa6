"""A box on an image: the one shape in which labels, proposals and datasets say where a defect lies."""

from typing import TypedDict

from sightline.fields import Fields, InvalidFieldError


class Box(TypedDict):
    """Whole pixels from the image's upper left corner; `width` and `height` are at least 1."""

    class_id: int  # 0..classes-1, the number of the defect type in the class map
    left: int
    top: int
    width: int
    height: int


def read_boxes(value: object, where: str) -> tuple[Box, ...]:
    """Return the boxes of a list. Raise InvalidFieldError naming the box and its field; `where` ends the message."""
    if not isinstance(value, list | tuple):
        raise InvalidFieldError(f"annotations must be a list of boxes, got {value!r:.80} {where}")
    boxes = [Fields(entry, f"in annotations[{number}] {where}") for number, entry in enumerate(value)]
    return tuple(
        Box(
            class_id=box.whole("class_id", 0),
            left=box.whole("left", 0),
            top=box.whole("top", 0),
            width=box.whole("width", 1),
            height=box.whole("height", 1),
        )
        for box in boxes
    )
