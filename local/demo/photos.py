"""Photos of one's own: their labels, what the pipeline will see as one, and which the device alone will see."""

import hashlib
from pathlib import Path

from client import uploads
from client.formats.checks import InvalidLabelsError
from client.formats.label_set import LabelSet, used_classes
from client.labels.names import Names
from client.loop.photos import Truth
from sightline.datasets import grouping
from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.phash import phash

UNSEEN_SHARE = 0.15  # of the images, about


def classes_of(labels: LabelSet, path: Path) -> list[str]:
    """Return the classes for the stack: those of the file at `path` that have a box, in the order of their ids.

    Raise InvalidLabelsError where there is none, or one with a comma, which parts the stack's classes.
    """
    used = set(used_classes(labels.images))
    if not used:
        raise InvalidLabelsError(f"{path} has no box in any image; the demo needs photos with defects")
    if parted := sorted(name for name in used if "," in name):
        raise InvalidLabelsError(f"{path} has the class {parted[0]!r}: a class can't have a comma; rename it")
    return [name for name in labels.classes if name in used]


def match(folder: Path, labels: Truth) -> tuple[Truth, list[Path]]:
    """Return the truth about the photos of a folder by file name, and the photos, of those that labels name.

    Raise InvalidLabelsError where two of them have one file name, by which the demo tells photos apart.
    """
    known, given = Names(), uploads.look(folder)
    for name in labels:
        known.add(name, name)
    truth: Truth = {}
    files: dict[str, Path] = {}
    for file in given.files:
        meant = known.find(given.name(file)).things
        if len(meant) != 1:
            continue
        if other := files.get(file.name):
            raise InvalidLabelsError(f"{other} and {file} have one name; the demo needs a name for each photo")
        files[file.name], truth[file.name] = file, labels[next(iter(meant))]
    return truth, [files[name] for name in sorted(files)]


def content(path: Path) -> str | None:
    """Return what a photo is known by in the ledger, where equal ones are one; None for what will be quarantined."""
    body = path.read_bytes()
    try:
        decode(body)
    except UndecodableImageError:
        return None
    return hashlib.sha256(body).hexdigest()


def hold_out(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Return the images to upload and those for the device alone, whole groups, so that no near-duplicate crosses."""
    hashes = {}
    for path in files:
        try:
            hashes[path.name] = phash(decode(path.read_bytes()))
        except UndecodableImageError:
            continue  # it is uploaded, and the pipeline says what is wrong with it
    groups: dict[str, list[str]] = {}
    for name, group in grouping.group(hashes).items():
        groups.setdefault(group, []).append(name)
    order = sorted(groups.values(), key=lambda members: (len(members), members))
    held: set[str] = set()
    for members in order[: max(1, len(order) - 3)]:  # at least three groups stay, one for each split
        if len(held) < UNSEEN_SHARE * len(files):
            held |= set(members)
    return [path for path in files if path.name not in held], [path for path in files if path.name in held]
