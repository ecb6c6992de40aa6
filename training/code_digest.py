"""Which files a training depends on, and one digest of them: the part of a run's fingerprint that stands for the code.

The files are found by following the imports from the commands of the training image, so that nothing can be forgotten.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

COMMANDS = ("training.train", "training.evaluate", "training.serve", "sightline.vision.apart")
PACKAGES = ("reporting", "sightline", "training")  # what the training image is made of, beside its requirements
REQUIREMENTS = ("requirements.txt", "Dockerfile", "buildspec.yml")  # in the folder of this file

_computing = Lock()  # Python 3.11 fails when two threads parse at once (SystemError: recursion depth mismatch)


def sources(entries: tuple[str, ...] = COMMANDS) -> dict[str, Path]:
    """Return the own modules that `entries` import, also indirectly or in a function: dotted name and file, sorted."""
    found: dict[str, Path] = {}
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        file = _file_of(name)
        if name in found or file is None:
            continue
        found[name] = file
        waiting += [name.rpartition(".")[0], *_imports(file)]
    return dict(sorted(found.items()))


def requirements() -> dict[str, Path]:
    """Return what an image is built from beside the modules: name and file."""
    own = [Path(__file__).with_name(name) for name in REQUIREMENTS]
    return {file.name: file for file in own if file.is_file()}


def _file_of(name: str) -> Path | None:
    """Return the file of one of our own modules, None for every other name. Nothing is imported."""
    package, *parts = name.split(".")
    if package not in PACKAGES:
        return None
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    place = Path(spec.origin).parent.joinpath(*parts)
    wanted = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in wanted if file.is_file()), None)


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def code_digest() -> str:
    """Return 16 hexadecimal characters that are the same only for the same code and requirements of a training."""
    with _computing:
        return _code_digest()


@cache
def _code_digest() -> str:
    hashed = hashlib.sha256()
    for name, file in (requirements() | sources()).items():
        body = file.read_bytes()
        hashed.update(f"{name} {len(body)}\n".encode() + body)
    return hashed.hexdigest()[:16]
