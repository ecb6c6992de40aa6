"""Photos of one's own: what the pipeline will see as one, and which the device alone will see."""

import hashlib
from pathlib import Path

from sightline.datasets import grouping
from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.phash import phash

UNSEEN_SHARE = 0.15  # of the images, about


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
