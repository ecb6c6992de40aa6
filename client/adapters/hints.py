"""What a person says about a model file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Of an image or of a model's input, in pixels."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def edges(self) -> list[int]:
        """What a box, x1, y1, x2, y2 in shares of the image, is multiplied with."""
        return [self.width, self.height, self.width, self.height]


@dataclass(frozen=True, slots=True)
class Hints:
    """None stands for what nobody said.

    `classes` are the model's, in the order of their numbers; `wanted` are the stack's. `size` is that of the model's
    input, for a file that leaves it open; `photo` that of a photo of the line. `first_class` is the number of the first
    class.
    """

    classes: list[str] | None = None
    size: Size | None = None
    first_class: int | None = None
    photo: Size | None = None
    wanted: list[str] | None = None
