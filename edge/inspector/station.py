"""One image after the other: decode, detect, decide, and put the verdict into the outbox."""

from __future__ import annotations

import hashlib
import time

from sightline.vision.appearance import appearance, grey
from sightline.vision.decode import Pixels, UndecodableImageError
from sightline.vision.detector import Detection, Detector
from sightline.vision.letterbox import fit
from sightline.vision.verdict import Outcome

from .alarms import Alarm, Alarms
from .faults import FaultFinder
from .items import Item
from .log import one_line
from .messages import Topic, VerdictMessage, to_cloud
from .model import Model
from .outbox import Outbox
from .sampling import DISAGREEMENT, Quota, reason, upload
from .serving import Models
from .settings import Settings
from .source import Frame, Source
from .telemetry import Telemetry

FLOOR = 0.05  # scores below it are one class of the baseline's histogram
UNREADABLE, FAILED = "unreadable", "failed"  # what is no image; an image on which the model itself failed


def look(detector: Detector, body: bytes) -> tuple[Pixels, list[Detection]]:
    """Return the image as the model sees it, uint8 [h, w, 3] without padding, and what it finds.

    Boxes are in pixels of the original. Raise UndecodableImageError.
    """
    fitted = fit(body, detector.height, detector.width)
    return fitted.shown, detector.run(fitted, FLOOR)


class Station:
    """The inspection of one device, with the models in use."""

    def __init__(self, thing: str, models: Models, outbox: Outbox, alarms: Alarms, telemetry: Telemetry) -> None:
        self._thing, self._models = thing, models
        self._outbox, self._alarms, self._telemetry = outbox, alarms, telemetry
        self._faults = FaultFinder()
        self._quota = Quota(outbox.state("quota"))

    def step(self, source: Source, settings: Settings) -> bool:
        """Inspect the next image. Return False when there is none, or no model to inspect it with."""
        model, shadow = self._models.model, self._models.shadow
        if model is None:
            return False
        frame = source.next()
        if frame is None:
            return False
        verdict, found = self.inspect(model, frame)
        if verdict.get("fault") == UNREADABLE and frame.may_grow:
            source.put_back(frame)
            return True
        items = [to_cloud(Topic.VERDICTS, verdict)]
        items += self._alarms.look(verdict.get("fault", ""), verdict.get("reason", ""), frame.name)
        why = reason(verdict, settings.sample_rate)
        items += self._sample(verdict, frame, why, settings)
        self._outbox.add(*items, marks=frame.marks, state=self._state() if len(items) > 1 else {})
        source.done(frame)
        self._telemetry.window.decide(verdict)
        if shadow and found is not None and "fault" not in verdict:
            self._compare(shadow, verdict, frame, sampled=bool(why), settings=settings)
        return True

    def inspect(self, model: Model, frame: Frame) -> tuple[VerdictMessage, list[Detection] | None]:
        """Return the verdict on one image, and what was found in it.

        An image that can't be decoded is for a person to look at.
        """
        start = time.perf_counter()
        detector = model.detector
        found: list[Detection] | None = None
        sure: list[Detection] = []
        try:
            shown, found = look(detector, frame.body)
            sure = [detection for detection in found if detection.score >= detector.review_threshold]
            image = grey(shown)
            seen = appearance(image)
            baseline = detector.model.get("baseline", {}).get("appearance", {})
            fault, detail = self._faults.find(image, seen, baseline)
            self._telemetry.window.see(found[0].score if found else 0.0, seen)
        except UndecodableImageError as error:
            fault, detail = UNREADABLE, str(error)
        except Exception as error:  # one image must not stop the line, whatever is wrong with it or with the model
            fault, detail = FAILED, one_line(error)
        verdict: VerdictMessage = {
            # The same image, device and model always give the same id: a repeated verdict is recognised.
            "id": self._id(frame, model.version),
            "image": frame.name,
            "captured_at": frame.captured_at,
            "verdict": Outcome.REVIEW if fault else detector.verdict(sure),
            "detections": [detection.as_dict() for detection in sure],
            "model_version": model.version,
            "latency_ms": round((time.perf_counter() - start) * 1000, 2),
        }
        if model.correlation_id:
            verdict["correlation_id"] = model.correlation_id
        if fault:
            verdict["fault"], verdict["reason"] = fault, detail
        return verdict, found

    def _id(self, frame: Frame, version: str) -> str:
        digest = hashlib.sha256(f"{self._thing}\n{version}\n{frame.name}\n{frame.captured_at}\n".encode())
        digest.update(frame.body)
        return digest.hexdigest()[:32]

    def _sample(self, verdict: VerdictMessage, frame: Frame, why: str, settings: Settings) -> list[Item]:
        """Return the upload of an image that is worth a label, while the quota has room."""
        if not why or not settings.images_bucket:
            return []
        if not self._quota.take(settings.uploads_per_hour, settings.uploads_per_day):
            self._telemetry.window.sampled["over_quota"] += 1
            self._outbox.count("over_quota")
            return []
        self._telemetry.window.sampled[why] += 1
        return [upload(self._thing, verdict, frame.body, why)]

    def _state(self) -> dict[str, str]:
        return {"quota": self._quota.kept(), **self._alarms.state()}

    def _compare(
        self, shadow: Model, verdict: VerdictMessage, frame: Frame, *, sampled: bool, settings: Settings
    ) -> None:
        """Count what the shadow model says. The verdict is out by now: this decides nothing and delays nothing."""
        detector = shadow.detector
        try:
            _, found = look(detector, frame.body)
            other = detector.verdict([one for one in found if one.score >= detector.review_threshold])
        except Exception as error:
            self._outbox.count("failed_shadow")
            self._alarms.tell(Alarm.SHADOW, f"model {shadow.version}: {one_line(error)}", frame.name)
            return
        self._telemetry.window.compare(verdict["verdict"], other)
        if other != verdict["verdict"] and not sampled:
            items = self._sample(verdict, frame, DISAGREEMENT, settings)
            if items:
                self._outbox.add(*items, state=self._state())
