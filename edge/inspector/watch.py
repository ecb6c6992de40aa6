"""What the inspector watches in itself: its source, its disk, and the window of its telemetry."""

from __future__ import annotations

from .alarms import Alarm, Alarms
from .outbox import Outbox
from .serving import Models
from .settings import Settings
from .source import Source
from .telemetry import Telemetry


class Watch:
    """Alarms of the source and the disk, and the telemetry when its window ends."""

    def __init__(self, outbox: Outbox, alarms: Alarms, telemetry: Telemetry, models: Models) -> None:
        self._outbox, self._alarms, self._telemetry, self._models = outbox, alarms, telemetry, models

    def step(self, source: Source, settings: Settings | None) -> None:
        missed = source.take_missed()
        if missed:
            self._outbox.count("missed_frames", missed)
        self._outbox.retry()
        self._alarms.tell(Alarm.SOURCE, source.trouble)
        self._alarms.tell(Alarm.STORAGE, self._outbox.failure or self._outbox.damage)
        if settings and self._telemetry.due(settings.telemetry_seconds):
            self.summarize()

    def summarize(self) -> None:
        """End the window."""
        item, state = self._telemetry.close(self._models.version, self._models.shadow_version)
        self._outbox.add(item, state=state)
        self._outbox.forget_damage()  # the alarm lasts as long as the window that counts what was lost
