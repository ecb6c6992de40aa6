"""The inspector as a whole: follows its settings and models, inspects, and watches over itself."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from . import alarms as kinds
from .alarms import Alarms
from .forwarder import Forwarder
from .log import one_line, say
from .model import Loader, Model, RefusedModelError, Shelf
from .outbox import LIMITS, MEGABYTE, MESSAGES, UPLOADS, Limit, Outbox, message
from .publisher import Publisher, connect
from .settings import InvalidSettingsError, Settings, SettingsSource, parse
from .source import NoSource, Source, open_source
from .station import Station
from .telemetry import Telemetry
from .uploader import from_environment

IDLE_SECONDS = 0.05
SOURCE_SETTINGS = ("source", "delete_inspected", "frames_per_second")  # with another one the source is opened anew
LAST_WORDS_SECONDS = 3.0  # to hand over what waits when the inspector ends


class Service:
    """One inspector, from `run` to its end."""

    def __init__(
        self,
        thing: str,
        models: Path,
        work: Path,
        settings: SettingsSource,
        connect: Callable[[str, str], Publisher] = connect,
    ) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self._thing, self._incoming, self._connect = thing, settings, connect
        self._outbox = Outbox(work / "outbox.sqlite")
        self._alarms = Alarms(thing, self._outbox.state("alarms"))
        self._telemetry = Telemetry(thing, self._outbox)
        self._station = Station(thing, self._outbox, self._alarms, self._telemetry)
        self._loader = Loader(Shelf(models, work / "models"))
        self._loading, self._fallback = "", ""
        self._refused: dict[str, str] = {}
        self._settings: Settings | None = None
        self._source: Source = NoSource()
        self._publisher: Publisher | None = None
        self._forwarders: dict[str, Forwarder] = {}
        self._failed = False

    def run(self, stopping: threading.Event) -> int:
        """Inspect until `stopping` is set; answers the exit code. Not 0: there is nothing to inspect with."""
        while not stopping.is_set() and not self._failed:
            self._follow_settings()
            self._follow_models()
            busy = self._settings is not None and self._station.step(self._source, self._settings)
            self._watch()
            if not busy:
                stopping.wait(IDLE_SECONDS)
        self._end()
        return int(self._failed)

    # -------------------------------------------------------------------------------------------------------- settings
    def _follow_settings(self) -> None:
        """Use new settings; those that can't be used change nothing."""
        values = self._incoming.changed()
        if values is None:
            return
        try:
            self._apply(parse(values))
        except InvalidSettingsError as error:
            self._refuse_settings(str(error))
        except Exception as error:  # whatever a library makes of a value that looked right
            self._refuse_settings(f"they can't be applied: {one_line(error)}")
        else:
            due = self._alarms.set(kinds.SETTINGS, "")
            self._outbox.add(*due, state={"settings": json.dumps(values), "alarms": self._alarms.state()})

    def _refuse_settings(self, reason: str) -> None:
        """Keep what is in use; after a restart that is what was in use last."""
        say(f"settings refused: {reason}")
        self._outbox.add(*self._alarms.set(kinds.SETTINGS, reason), state={"alarms": self._alarms.state()})
        if self._settings is None:
            self._resume()
            self._failed = self._settings is None

    def _resume(self) -> None:
        """Use the settings that were in use last, if there are any, even if their source is gone meanwhile."""
        before = self._outbox.state("settings")
        if before is None:
            return
        try:
            self._apply(parse(json.loads(before)), without_source=True)
        except Exception as error:
            say(f"the settings that were in use last can't be used again: {one_line(error)}")

    def _apply(self, new: Settings, *, without_source: bool = False) -> None:
        """Change over to settings that are checked. Raises InvalidSettingsError, before anything is changed."""
        old, opened, publisher = self._settings, self._source, self._publisher
        same_source = old and all(getattr(old, name) == getattr(new, name) for name in SOURCE_SETTINGS)
        if not same_source or isinstance(opened, NoSource):
            opened = self._open(new, without_source=without_source)
        try:
            if publisher is None or old is None or old.mqtt_url != new.mqtt_url:
                publisher = self._connect(new.mqtt_url, self._thing)
        except Exception:
            if opened is not self._source:
                opened.close()
            raise
        self._use(opened, publisher)
        self._outbox.limits[UPLOADS] = Limit(LIMITS[UPLOADS].rows, int(new.queue_megabytes * MEGABYTE))
        if old is None or old.images_bucket != new.images_bucket:
            self._stop(UPLOADS)
            if new.images_bucket:
                self._start(Forwarder(self._outbox, UPLOADS, from_environment(new.images_bucket).deliver, batch=1))
        self._settings, self._refused = new, {}
        if not new.model_version:
            print("no model is deployed; waiting", flush=True)
            self._station.model, self._fallback = None, ""
            self._outbox.add(state={"in_service": ""})
        if not new.shadow_version:
            self._no_shadow()

    def _open(self, settings: Settings, *, without_source: bool) -> Source:
        """The source of these settings; where it may be missing, none, with what is wrong as its trouble."""
        try:
            return open_source(settings, self._outbox)
        except InvalidSettingsError as error:
            if not without_source:
                raise
            return NoSource(str(error))

    def _use(self, source: Source, publisher: Publisher) -> None:
        """Go on with these, and let go of what they replace."""
        if source is not self._source:
            self._source.close()
            self._source = source
        if publisher is not self._publisher:
            self._stop(MESSAGES)
            self._publisher = publisher
            self._start(Forwarder(self._outbox, MESSAGES, lambda item: publisher.publish(item.address, item.body)))

    def _start(self, forwarder: Forwarder) -> None:
        self._forwarders[forwarder.queue] = forwarder
        forwarder.start()

    def _stop(self, queue: str) -> None:
        forwarder = self._forwarders.pop(queue, None)
        if forwarder:
            forwarder.stop()
        if queue == MESSAGES and self._publisher:
            self._publisher.close()

    # ---------------------------------------------------------------------------------------------------------- models
    def _follow_models(self) -> None:
        """Bring the models that the settings name into service, each proven in the background first."""
        result = self._loader.result()
        if result:
            self._loading = ""
            self._loaded(*result)
        if not self._loading and self._settings and not self._failed:
            version = self._next(self._settings)
            if version:
                self._load(version)

    def _next(self, settings: Settings) -> str:
        """The version to load now; empty when all that the settings name is in service, or refused."""
        model, shadow = self._station.model, self._station.shadow
        wanted = settings.model_version
        if wanted and wanted not in self._refused and (model is None or model.version != wanted):
            return wanted
        candidate = settings.shadow_version if model and model.version != settings.shadow_version else ""
        if candidate and candidate not in self._refused and (shadow is None or shadow.version != candidate):
            return candidate
        return ""

    def _load(self, version: str) -> None:
        self._loading = version
        self._loader.start(version)

    def _loaded(self, version: str, result: Model | RefusedModelError) -> None:
        assert self._settings is not None
        if version == self._settings.model_version:
            self._take(result) if isinstance(result, Model) else self._refuse(version, str(result))
        elif version == self._settings.shadow_version:
            self._take_shadow(version, result)
        elif version == self._fallback and self._station.model is None:
            if isinstance(result, Model):
                self._serve(result)
            else:
                self._failed = True

    def _take(self, model: Model) -> None:
        self._serve(model)
        self._report(model.version, "")

    def _serve(self, model: Model) -> None:
        """From the next image on, this model decides."""
        self._station.model = model
        if self._station.shadow and self._station.shadow.version == model.version:
            self._no_shadow()
        self._outbox.add(state={"in_service": model.version})
        print(f"inspecting with model {model.version}", flush=True)

    def _refuse(self, version: str, reason: str) -> None:
        """Report a model that failed its proof, and go on with the one in service, if need be from before a restart."""
        self._refused[version] = reason
        say(f"model {version} failed its proof: {reason}")
        self._report(version, reason)
        if self._station.model:
            return
        before = self._outbox.state("in_service")
        if before and before != version:
            self._fallback = before
            self._load(before)
        else:
            self._failed = True

    def _take_shadow(self, version: str, result: Model | RefusedModelError) -> None:
        if isinstance(result, Model):
            self._station.shadow = result
            print(f"comparing with model {version}", flush=True)
        else:
            self._refused[version] = str(result)
        reason = "" if isinstance(result, Model) else f"model {version}: {result}"
        self._outbox.add(*self._alarms.set(kinds.SHADOW, reason), state={"alarms": self._alarms.state()})

    def _no_shadow(self) -> None:
        """With the shadow model ends what was wrong with it."""
        self._station.shadow = None
        due = self._alarms.set(kinds.SHADOW, "")
        if due:
            self._outbox.add(*due, state={"alarms": self._alarms.state()})

    def _report(self, version: str, reason: str) -> None:
        """Health of this device with the model of `version`; `reason` says what is wrong with it."""
        health = {
            "thing": self._thing,
            "healthy": not reason,
            "model_version": version,
            "reason": reason or "all golden images gave the expected detections",
            "at": datetime.now(UTC).isoformat(),
        }
        self._outbox.add(message(f"sightline/{self._thing}/health", health))

    # ----------------------------------------------------------------------------------------------------------- itself
    def _watch(self) -> None:
        """Alarms of the source and the disk, and the telemetry when its window ends."""
        if self._source.missed:
            self._outbox.count("missed_frames", self._source.missed)
            self._source.missed = 0
        self._outbox.retry()
        due = self._alarms.set(kinds.SOURCE, self._source.trouble)
        due += self._alarms.set(kinds.STORAGE, self._outbox.failure or self._outbox.damage)
        if due:
            self._outbox.add(*due, state={"alarms": self._alarms.state()})
        if self._settings and self._telemetry.due(self._settings.telemetry_seconds):
            self._summarize()

    def _summarize(self) -> None:
        model, shadow = self._station.model, self._station.shadow
        item, state = self._telemetry.close(model.version if model else "", shadow.version if shadow else "")
        self._outbox.add(item, state=state)
        self._outbox.damage = ""  # the alarm lasts as long as the window that counts what was lost

    def _end(self) -> None:
        """Say what is left to say, give it a moment to leave, and let go of everything."""
        self._summarize()
        forwarder = self._forwarders.get(MESSAGES)
        if forwarder:
            forwarder.drain(LAST_WORDS_SECONDS)
        for queue in list(self._forwarders):
            self._stop(queue)
        self._source.close()
        self._incoming.close()
        self._outbox.close()
