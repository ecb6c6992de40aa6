"""One image after the other: decode, detect, decide, and put the verdict into the outbox."""

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sightline.vision.decode import UndecodableImageError
from sightline.vision.detector import Detector

from .outbox import Outbox
from .source import FolderSource


class Station:
    """The inspection of one device."""

    def __init__(
        self, detector: Detector, thing: str, model_version: str, source: FolderSource, outbox: Outbox
    ) -> None:
        self._detector, self._thing, self._model_version = detector, thing, model_version
        self._source, self._outbox = source, outbox

    def step(self) -> bool:
        """Inspect what is ready; True when there was anything."""
        ready = self._source.ready()
        for path in ready:
            self._outbox.add(f"sightline/{self._thing}/verdicts", self.inspect(path))
            self._source.done(path)
        return bool(ready)

    def inspect(self, path: Path) -> dict[str, Any]:
        """The verdict on one image file; an image that can't be decoded is for a person to look at."""
        start = time.perf_counter()
        body = path.read_bytes()
        try:
            detections = self._detector.inspect(body)
            verdict, reason = self._detector.verdict(detections), ""
        except UndecodableImageError as error:
            detections, verdict, reason = [], "review", str(error)
        message = {
            # The same image, device and model always give the same id: a repeated verdict is recognised.
            "id": hashlib.sha256(body + f"{self._thing}/{self._model_version}/{path.name}".encode()).hexdigest()[:32],
            "image": path.name,
            "captured_at": datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(),
            "verdict": verdict,
            "detections": [detection.as_dict() for detection in detections],
            "model_version": self._model_version,
            "latency_ms": round((time.perf_counter() - start) * 1000, 2),
        }
        return message | ({"reason": reason} if reason else {})
