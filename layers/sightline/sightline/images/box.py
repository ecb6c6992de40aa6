"""A box on an image: the one shape in which labels, proposals and datasets say where a defect lies."""

from typing import TypedDict


class Box(TypedDict):
    """Whole pixels from the image's upper left corner; `width` and `height` are at least 1."""

    class_id: int  # 0..classes-1, the number of the defect type in the class map
    left: int
    top: int
    width: int
    height: int
