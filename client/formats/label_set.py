"""The one model of labels that every format is read into and written from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from sightline.images.box import Box

Sizes = Callable[[str], tuple[int, int] | None]  # width and height of an image by its name, for formats that say none


@dataclass(frozen=True)
class LabelBox:
    """A box in pixels from the left and the top edge of the image; fractions as the file says them."""

    class_name: str
    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of(cls, box: Box, class_name: str) -> Self:
        """Return a box of the stack's own under the name of its class."""
        return cls(class_name, float(box["left"]), float(box["top"]), float(box["width"]), float(box["height"]))

    def rounded(self, class_id: int) -> Box:
        """Return it in whole pixels with the number of its class, as the stack's own boxes are."""
        return {
            "class_id": class_id,
            "left": round(self.left),
            "top": round(self.top),
            "width": round(self.width),
            "height": round(self.height),
        }


@dataclass(frozen=True)
class LabeledImage:
    """An image and its boxes. None means that a person said "no defect" about it, unless there is a `doubt`.

    What a reader could not understand of an image leaves the image out; it never becomes a LabeledImage with fewer
    boxes.
    """

    name: str
    size: tuple[int, int] | None  # (width, height) in pixels; None where the file does not say
    boxes: tuple[LabelBox, ...]
    also: tuple[str, ...] = ()  # further names that the file has for it: all that are known must mean one image
    doubt: str = ""  # of an image without a box: why it may have a defect all the same
    image_id: str = ""
    group_id: str = ""
    job: str = ""
    labeled_at: str = ""
    source: str = ""  # the object's URI, on export

    def __post_init__(self) -> None:
        if self.boxes and self.doubt:
            raise ValueError(f"{self.name!r} has boxes, so that its {self.doubt!r} says nothing")


@dataclass
class LabelSet:
    """Labelled images, and every class in its order."""

    classes: list[str]
    images: list[LabeledImage]

    @classmethod
    def by_alphabet(cls, images: list[LabeledImage]) -> Self:
        """Return the labels of a format that knows classes only by their boxes: they are in the alphabet's order."""
        return cls(used_classes(images), images)

    def class_ids(self) -> dict[str, int]:
        """Return the number of each class, by its place in the order."""
        return {name: number for number, name in enumerate(self.classes)}


def used_classes(images: Iterable[LabeledImage]) -> list[str]:
    """Return the classes that have a box, in the alphabet's order."""
    return sorted({box.class_name for image in images for box in image.boxes})
