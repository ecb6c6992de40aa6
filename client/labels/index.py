"""Which image of the ledger a name in a file of labels means."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from client import pipeline
from client.formats.checks import BadLabelError, check
from client.formats.files import stem
from client.labels.names import Meant, Names
from client.target import Target
from sightline.images.image import Image, ImageStatus

SEVERAL = "several images have this name; name them by their folder too"
OTHERS = "it has several names that mean different images; rename one of them"
AWAITED = "it is uploaded, but not registered yet; import again in a minute, or run `sightline sweep` and then import"
FOREIGN = "its file in the folder of images is not in the ledger; upload that one first"


@dataclass(frozen=True, slots=True)
class Found:
    """An image of the ledger. `parts` of its path are in the name in the file of labels, which has nothing else where
    it is `whole`.
    """

    image: Image
    parts: int
    whole: bool


@dataclass
class Index:
    """The images of the ledger by content hash and by name, and what lies beside the labels by name."""

    by_id: dict[str, Image] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    gone: Names = field(default_factory=Names)  # of images that were removed: their names may be others' now
    beside: Names = field(default_factory=Names)  # content hashes
    awaited: Names = field(default_factory=Names)  # keys that were uploaded, and are not registered yet

    @classmethod
    def of(cls, target: Target, beside: Path | None = None) -> Self:
        """Read the ledger, and hash the files below the folder `beside`."""
        index = cls()
        index.read_ledger(target)
        if beside:
            for path in sorted(path for path in beside.rglob("*") if path.is_file()):
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                index.beside.add(path.relative_to(beside).as_posix(), digest)
        return index

    def read_ledger(self, target: Target) -> None:
        """Read the images as they are now."""
        self.by_id, self.names, self.gone = {}, Names(), Names()
        ledger = pipeline.ledger(target)
        for status in ImageStatus:
            for image in ledger.with_status(status):
                self.by_id[image.image_id] = image
                names = self.gone if status is ImageStatus.REMOVED else self.names
                copies = ledger.places.copies(image.image_id) if image.copies else ()  # its item names only some keys
                for key in [*(image.keys or {image.key}), *copies]:
                    names.add(key, image.image_id)

    def find(self, given: Sequence[str], image_id: str = "") -> Found | None:
        """Return the image of a content hash, else the one that all known names mean.

        Raise BadLabelError when they mean several.
        """
        known = [image_id, *(stem(name.rsplit("/", 1)[-1]) for name in given)]  # datasets name images by their hash
        for number in known:
            if number in self.by_id:
                return Found(self.by_id[number], 0, whole=True)
        if self.beside.paths and (meant := _meant(self.beside, given)):
            check(meant.things <= self.by_id.keys(), FOREIGN)
        else:
            meant = _meant(self.names, given) or _meant(self.gone, given)
        return Found(self.by_id[next(iter(meant.things))], meant.parts, meant.whole) if meant else None

    def get(self, given: Sequence[str], image_id: str = "") -> Found:
        """Return what `find` finds. Raise BadLabelError also for nothing."""
        found = self.find(given, image_id)
        if found is None:
            check(not any(self.awaited.find(name).things for name in given), AWAITED)
            raise BadLabelError("not in the ledger; upload it first")
        return found


def _meant(known: Names, given: Sequence[str]) -> Meant | None:
    """Return the one thing that all names of it mean that mean anything. Raise BadLabelError for several."""
    found = [meant for name in given if (meant := known.find(name)).things]
    if not found:
        return None
    shared = frozenset.intersection(*(meant.things for meant in found))
    if len(shared) != 1:
        check(len({meant.things for meant in found}) < 2, OTHERS)
        check(False, SEVERAL)
    return Meant(shared, max(meant.parts for meant in found), any(meant.whole for meant in found))
