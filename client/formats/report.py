"""What could not be taken over from labels, or into a format, for the person who asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from client.formats.label_set import LabeledImage

NAMED = 3  # images that a line of the report names


@dataclass
class Report:
    """What was `lost` from a label, or `refused` with its whole image: by kind, with the images' names.

    `strays` are annotations that belong to no image, and `boxless` are files of several images of which none has a box.
    """

    lost: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    strays: dict[str, list[str]] = field(default_factory=dict)
    boxless: list[str] = field(default_factory=list)

    def lose(self, kind: str, name: str) -> None:
        self.lost.setdefault(kind, []).append(name)

    def refuse(self, reason: str, name: str) -> None:
        self.refused.setdefault(reason, []).append(name)

    def stray(self, reason: str, owner: str) -> None:
        self.strays.setdefault(reason, []).append(owner)

    def look(self, file: str, images: Sequence[LabeledImage]) -> None:
        """Note a file of several images that has no box."""
        if len(images) > 1 and not any(image.boxes for image in images):
            self.boxless.append(file)

    @property
    def left_out(self) -> int:
        """How many images were refused."""
        return len({name for names in self.refused.values() for name in names})

    def lines(self) -> list[str]:
        """Return one line for each kind: how many, and the first images."""
        empty = [_line("look", "a file without a box in any image", self.boxless)] if self.boxless else []
        return [*empty, *self._reasons()]

    def _reasons(self) -> list[str]:
        return [_line("not taken over", kind, names) for kind, names in self.lost.items()] + [
            _line("left out", reason, names) for reason, names in [*self.strays.items(), *self.refused.items()]
        ]


def _line(what: str, kind: str, names: list[str]) -> str:
    first = list(dict.fromkeys(names))
    more = f", and {len(first) - NAMED} more" if len(first) > NAMED else ""
    return f"{what}: {kind} ({len(names)}×): {', '.join(first[:NAMED])}{more}"
