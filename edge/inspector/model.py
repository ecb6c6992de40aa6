"""The models of a device: proven on their golden images before they are used, and kept for a restart.

A model that passed its proof is copied below the work folder. So the one in service outlives everything that happens to
the model component: a newer version that fails its proof, a roll-back, a clean-up of old versions by the nucleus.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import SightlineError
from sightline.vision.detector import Detector
from sightline.vision.golden import check

from .log import one_line, say

KEPT = 3  # copies: the model in service, its candidate, and the one before


class RefusedModelError(Exception):
    """A model that does not prove itself here; the message says why."""


@dataclass(frozen=True)
class Model:
    """A proven model, loaded."""

    version: str
    detector: Detector

    @property
    def correlation_id(self) -> str:
        """The id of the training that made it, by which everything about it is found; "" where it has none."""
        return str(self.detector.model.get("correlation_id") or "")


class Shelf:
    """Where models lie: `deployed/<version>/model` as Greengrass unpacks them, and own copies in `kept/<version>`."""

    def __init__(self, deployed: Path, kept: Path) -> None:
        self._deployed, self._kept = deployed, kept
        with contextlib.suppress(OSError):  # then each model is used from where it was deployed
            self._kept.mkdir(parents=True, exist_ok=True)
        for unfinished in self._kept.glob(".new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)

    def load(self, version: str) -> Model:
        """The model of this version. Raises RefusedModelError, whatever is wrong with it."""
        try:
            return self._proven(version)
        except RefusedModelError:
            raise
        except (SightlineError, OSError) as error:
            raise RefusedModelError(str(error)) from error
        except Exception as error:  # outputs of other names, classes that don't exist, a model.json of another make, …
            raise RefusedModelError(f"the model can't be used: {one_line(error)}") from error

    def _proven(self, version: str) -> Model:
        folders = [self._deployed / version / "model", self._kept / version]
        found = [folder for folder in folders if folder.is_dir()]
        if not found:
            raise RefusedModelError(f"model {version} is not on this device")
        problems = check(found[0])
        if problems:
            raise RefusedModelError("; ".join(problems))
        return Model(version, Detector(self._keep(found[0], version)))

    def _keep(self, folder: Path, version: str) -> Path:
        """Copy a proven model. Answers the copy; the original, when there can't be one."""
        target = self._kept / version
        try:
            if folder != target:
                self._copy(folder, target)
            target.touch()
            self._clean_up(target)
        except OSError as error:
            say(f"model {version} is used from {folder}, without a copy in {self._kept}: {error}")
            return folder
        return target

    def _copy(self, folder: Path, target: Path) -> None:
        """Whole or not at all."""
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=self._kept))
        try:
            shutil.copytree(folder, new, dirs_exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            new.rename(target)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            raise

    def _clean_up(self, newest: Path) -> None:
        copies = sorted(self._kept.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in [path for path in copies if path != newest][KEPT - 1 :]:
            shutil.rmtree(old, ignore_errors=True)


class Loader:
    """Loads and proves one model at a time in the background, while the one in service goes on inspecting."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._thread: threading.Thread | None = None
        self._result: tuple[str, Model | RefusedModelError] | None = None

    def start(self, version: str) -> None:
        """Begin. The result of a model that was asked for before is thrown away."""
        self._result = None
        self._thread = threading.Thread(target=self._load, args=(version,), name=f"load-{version}", daemon=True)
        self._thread.start()

    def _load(self, version: str) -> None:
        try:
            result: Model | RefusedModelError = self._shelf.load(version)
        except RefusedModelError as error:
            result = error
        if threading.current_thread() is self._thread:
            self._result = (version, result)

    def result(self) -> tuple[str, Model | RefusedModelError] | None:
        """The version and its model, or why it is refused, once; None while nothing is ready."""
        result, self._result = self._result, None
        return result
