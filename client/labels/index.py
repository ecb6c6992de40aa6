"""Which image of the ledger a name in a file of labels means."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from client import pipeline
from client.formats.checks import check
from client.formats.files import stem
from client.target import Target
from sightline import names
from sightline.images.image import Image, ImageStatus


@dataclass
class Index:
    """The images of the ledger by content hash and by name: object key, file name, and each without its extension.

    A name may be of several.
    """

    by_id: dict[str, Image] = field(default_factory=dict)
    by_name: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, target: Target) -> Self:
        index = cls()
        for status in ImageStatus:
            for image in pipeline.ledger(target).with_status(status):
                index.by_id[image.image_id] = image
                for key in {image.key, *image.keys}:
                    for name in _names(key):
                        index.by_name.setdefault(name, set()).add(image.image_id)
        return index

    def find(self, name: str, image_id: str = "") -> Image | None:
        """Return the image of a content hash, else of a name. Raise BadLabelError when several have it."""
        if image_id in self.by_id:
            return self.by_id[image_id]
        tail = name.rsplit("/", 1)[-1]
        if stem(tail) in self.by_id:  # as the images of a dataset version are named
            return self.by_id[stem(tail)]
        key = name.split("/", 3)[-1] if name.startswith("s3://") else name
        for candidate in (key, tail, stem(tail)):
            found = self.by_name.get(candidate, set())
            check(len(found) < 2, "several images have this name; name them by their folder too")
            if found:
                return self.by_id[next(iter(found))]
        return None


def _names(key: str) -> set[str]:
    """Return what a key may be called in a file of labels."""
    below = key.removeprefix(names.INCOMING)
    tail = key.rsplit("/", 1)[-1]
    return {key, below, stem(below), tail, stem(tail)}


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the content hash of each file below `folder`, by its path in there and by its name.

    A name that several files of different content have is left out.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        for name in _names(path.relative_to(folder).as_posix()):
            found.setdefault(name, set()).add(digest)
    return {name: next(iter(digests)) for name, digests in found.items() if len(digests) == 1}
