"""Summaries by window: what was seen and decided, and how well the inspector itself does, for drift detection."""

import json
import math
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone

from sightline.vision.appearance import NAMES, Appearance
from sightline.vision.verdict import Outcome

from .items import Counts, Item, Queue
from .messages import Comparison, Latency, Spread, TelemetryMessage, Topic, VerdictMessage, WindowSummary, to_cloud
from .outbox import Outbox

SCORE_BINS, BRIGHTNESS_BINS = 20, 16  # as in a model's baseline
STEP = math.log(1.04)  # latencies are counted in classes of 4 %, so that memory stays flat whatever the window


class Window:
    """What is counted between two summaries."""

    def __init__(self) -> None:
        self.images = 0
        self.verdicts: Counter[Outcome] = Counter()
        self.faults: Counter[str] = Counter()
        self.sampled: Counter[str] = Counter()
        self.shadow: Counter[str] = Counter()
        self.scores = [0] * SCORE_BINS
        self.brightness = [0] * BRIGHTNESS_BINS
        self.appearance = {name: [0.0, math.inf, -math.inf] for name in NAMES}  # sum, lowest, highest
        self.seen = 0
        self.latencies: Counter[int] = Counter()
        self.slowest = 0.0

    def see(self, score: float, appearance: Appearance) -> None:
        """Count an image that could be decoded; `score` is that of its surest detection, in 0..1."""
        self.seen += 1
        self.scores[min(int(score * SCORE_BINS), SCORE_BINS - 1)] += 1
        self.brightness[min(int(appearance.brightness / 256 * BRIGHTNESS_BINS), BRIGHTNESS_BINS - 1)] += 1
        for name, kept in self.appearance.items():
            value = getattr(appearance, name)
            kept[:] = [kept[0] + value, min(kept[1], value), max(kept[2], value)]

    def decide(self, verdict: VerdictMessage) -> None:
        self.images += 1
        self.verdicts[verdict["verdict"]] += 1
        if "fault" in verdict:
            self.faults[verdict["fault"]] += 1
        self.latencies[int(math.log(max(verdict["latency_ms"], 0.01)) / STEP)] += 1
        self.slowest = max(self.slowest, verdict["latency_ms"])

    def compare(self, verdict: Outcome, shadow: Outcome) -> None:
        self.shadow[f"{verdict}:{shadow}"] += 1

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that `share` of the images do not exceed, to 4 %."""
        left = share * self.images
        for place in sorted(self.latencies):
            left -= self.latencies[place]
            if left <= 0:
                return round(min(math.exp((place + 1) * STEP), self.slowest), 2)
        return self.slowest

    def summary(self) -> WindowSummary:
        """Return everything but what the outbox knows."""
        spread: dict[str, Spread] = {
            name: {"mean": round(total / self.seen, 4), "low": round(low, 4), "high": round(high, 4)}
            for name, (total, low, high) in self.appearance.items()
            if self.seen
        }
        return {
            "images": self.images,
            "verdicts": {outcome: self.verdicts[outcome] for outcome in Outcome},
            "faults": dict(self.faults),
            "sampled": dict(self.sampled),
            "score_histogram": self.scores,
            "brightness_histogram": self.brightness,
            "appearance": spread,
            "latency_ms": self.latency() if self.images else None,
        }

    def latency(self) -> Latency:
        """Return the percentiles of the window's images."""
        p50, p95, p99 = (self.percentile(share) for share in (0.5, 0.95, 0.99))
        return {"p50": p50, "p95": p95, "p99": p99, "max": self.slowest}

    def comparison(self, version: str) -> Comparison:
        """Return the shadow model beside the one in service."""
        images = sum(self.shadow.values())
        differ = sum(number for pair, number in self.shadow.items() if len(set(pair.split(":"))) > 1)
        return {
            "model_version": version,
            "images": images,
            "disagreements": differ,
            "rate": round(differ / images, 4) if images else None,
            "verdicts": dict(self.shadow),
        }


class Telemetry:
    """The open window, and when it ends. Its length is measured by a clock that does not jump."""

    def __init__(self, thing: str, outbox: Outbox, clock: Callable[[], float] = time.monotonic) -> None:
        self._thing, self._outbox, self._clock = thing, outbox, clock
        self._reported: Counts = json.loads(outbox.state("reported") or "{}")
        self._open()

    def _open(self) -> None:
        self.window = Window()
        self._began, self._since = self._clock(), datetime.now(timezone.utc)

    def due(self, seconds: float) -> bool:
        return self._clock() - self._began >= seconds

    def close(self, model_version: str, shadow_version: str) -> tuple[Item, dict[str, str]]:
        """End the window, and begin a new one. Return its message, and the state to keep with it."""
        counts = self._outbox.counts()
        news = {name: number - self._reported.get(name, 0) for name, number in counts.items()}
        sizes = {queue: self._outbox.size(queue) for queue in Queue}
        value: TelemetryMessage = {
            "id": uuid.uuid4().hex,
            "thing": self._thing,
            "model_version": model_version,
            "from": self._since.isoformat(),
            "to": datetime.now(timezone.utc).isoformat(),
            "seconds": round(self._clock() - self._began, 3),
            **self.window.summary(),
            "shadow": self.window.comparison(shadow_version) if shadow_version else None,
            "queues": {queue: {"rows": rows, "bytes": size} for queue, (rows, size) in sizes.items()},
            "counts": {name: number for name, number in sorted(news.items()) if number},
            "counts_ever": dict(sorted(counts.items())),
        }
        self._reported = counts
        self._open()
        return to_cloud(Topic.TELEMETRY, value), {"reported": json.dumps(counts)}
