"""The inspector as a whole: its parts, made and run in turn."""

import threading
from pathlib import Path

from .alarms import Alarms
from .configuration import Configuration
from .delivery import Connect, Delivery
from .intake import Intake
from .model import Shelf
from .outbox import Outbox
from .publisher import connect
from .serving import ModelKeeper, Models
from .settings import Settings, SettingsSource
from .station import Station
from .telemetry import Telemetry
from .watch import Watch

IDLE_SECONDS = 0.05
LAST_WORDS_SECONDS = 3.0  # to hand over what waits when the inspector ends


class Service:
    """One inspector, from `run` to its end."""

    def __init__(
        self,
        thing: str,
        topics: str,
        models: Path,
        work: Path,
        settings: SettingsSource,
        connect: Connect = connect,
    ) -> None:
        """`topics` is what the topics of the device begin with."""
        work.mkdir(parents=True, exist_ok=True)
        self._outbox = Outbox(work / "outbox.sqlite")
        in_use, telemetry = Models(), Telemetry(thing, self._outbox)
        alarms = Alarms(thing, self._outbox)
        self._intake = Intake(self._outbox)
        self._delivery = Delivery(thing, topics, self._outbox, connect)
        self._models = ModelKeeper(thing, in_use, Shelf(models, work / "models"), self._outbox, alarms)
        self._station = Station(thing, in_use, self._outbox, alarms, telemetry)
        self._watch = Watch(self._outbox, alarms, telemetry, in_use)
        self._configuration = Configuration(settings, self._outbox, alarms, self._apply)

    @property
    def _failed(self) -> bool:
        return self._configuration.failed or self._models.failed

    def run(self, stopping: threading.Event) -> int:
        """Inspect until `stopping` is set. Return the exit code. Not 0: there is nothing to inspect with."""
        while not stopping.is_set() and not self._failed:
            self._configuration.step()
            settings = self._configuration.settings
            self._models.step(settings)
            busy = settings is not None and self._station.step(self._intake.source, settings)
            self._watch.step(self._intake.source, settings)
            if not busy:
                stopping.wait(IDLE_SECONDS)
        self._end()
        return int(self._failed)

    def _apply(self, settings: Settings, *, without_source: bool) -> None:
        """Change over to settings that are checked. Whatever is raised is raised before anything is changed."""
        source = self._intake.opened(settings, without_source=without_source)
        try:
            publisher = self._delivery.connected(settings)
        except Exception:
            self._intake.discard(source)
            raise
        self._intake.use(source, settings)
        self._delivery.use(publisher, settings)
        self._models.use(settings)

    def _end(self) -> None:
        """Say what is left to say, give it a moment to leave, and let go of everything."""
        self._watch.summarize()
        self._delivery.stop(LAST_WORDS_SECONDS)
        self._intake.source.close()
        self._configuration.close()
        self._outbox.close()
