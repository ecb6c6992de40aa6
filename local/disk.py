"""Room on the disk of the local run: looked at before work that needs it, and told in one line when it is used up."""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from sightline.errors import SightlineError

FULL = (errno.ENOSPC, errno.EDQUOT)
CODE = "DiskFull"  # of the emulator's refusals
STACK_BYTES = 500_000_000  # of a stack's folder: layers unpacked 260 MB, workers 35 MB each
BUILD_BYTES = 1_500_000_000  # of a first `sam build`: layers twice, their archives, and pip's copies
LOOP_BYTES = 1_000_000_000  # of a stack's folder with a training
LAYER_BYTES = 270_000_000
FUNCTION_BYTES = 64_000_000  # of one more worker
JOB_BYTES = 200_000_000  # of a job beside its data: weights, checkpoint, exported model
OBJECT_BYTES = 32_000_000  # what the last object leaves for records and logs


class DiskFullError(SightlineError):
    """Something was not done, because the disk has no room for it."""


def free(folder: Path) -> int:
    """Return how many bytes are free where a folder is or will be."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def require(folder: Path, needed: int) -> None:
    """Raise DiskFullError when less than `needed` bytes are free in `folder`."""
    if free(folder) < needed:
        raise full(folder, needed)


def to_work(home: Path) -> int:
    """Return how many bytes the functions of a running stack may still need: layers are unpacked at their first use."""
    unpacked = sum(file.stat().st_size for file in (home / "tmp" / "layers").rglob("*") if file.is_file())
    return FUNCTION_BYTES + max(0, LAYER_BYTES - unpacked)


def full(folder: Path, needed: int) -> DiskFullError:
    """Return what to say of a disk that has no room."""
    room = f"{free(folder) / 1e6:.0f} MB free in {folder}, {needed / 1e6:.0f} MB needed"
    return DiskFullError(f"disk full: {room}; free some and run again")


def is_full(error: BaseException) -> bool:
    """Return whether an error, or one that led to it, says that a disk or a quota has no room."""
    return any(isinstance(one, OSError) and one.errno in FULL for one in _causes(error))


def explained(error: BaseException, folder: Path, needed: int = OBJECT_BYTES) -> DiskFullError | None:
    """Return what to say of an error that comes from a full disk, None for another one.

    `folder` is where the disk is looked at when the error names no file.
    """
    for one in _causes(error):
        if isinstance(one, DiskFullError):
            return one
        said = getattr(one, "response", {}).get("Error", {})
        if said.get("Code") == CODE:
            return DiskFullError(said["Message"])
        if isinstance(one, OSError) and one.errno in FULL:
            name = one.filename if isinstance(one.filename, str | os.PathLike) else None
            return full(Path(os.fsdecode(name)).parent if name else folder, needed)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__
