"""The models in use: which one decides, which one is only compared with it, and how they are replaced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from .alarms import Alarm, Alarms
from .log import say
from .messages import HealthMessage, Topic, to_cloud
from .model import Loader, Model, RefusedModelError, Shelf
from .outbox import Outbox
from .settings import Settings

STATE = "in_service"  # what the outbox keeps the version under that decides
PROVEN = "all golden images gave the expected detections"


@dataclass
class Models:
    """`model` decides, `shadow` is only compared with it. Either may be missing."""

    model: Model | None = None
    shadow: Model | None = None

    @property
    def version(self) -> str:
        """The version that decides, empty for none."""
        return self.model.version if self.model else ""

    @property
    def shadow_version(self) -> str:
        """The version that is compared, empty for none."""
        return self.shadow.version if self.shadow else ""


class ModelKeeper:
    """Brings the models that the settings name into service, each proven in the background first.

    `failed` is set when there is nothing to inspect with.
    """

    def __init__(self, thing: str, models: Models, shelf: Shelf, outbox: Outbox, alarms: Alarms) -> None:
        self.failed = False
        self._thing, self._models, self._outbox, self._alarms = thing, models, outbox, alarms
        self._loader = Loader(shelf)
        self._loading = ""
        self._fallback = ""  # the version to go on with after a restart, when the one that is wanted is refused
        self._refused: set[str] = set()  # with these settings

    def use(self, settings: Settings) -> None:
        """Take new settings: what was refused is tried again, and what is not named any more goes at once."""
        self._refused = set()
        if not settings.model_version:
            print("no model is deployed; waiting", flush=True)
            self._models.model, self._fallback = None, ""
            self._outbox.add(state={STATE: ""})
        if not settings.shadow_version:
            self._drop_shadow()

    def step(self, settings: Settings | None) -> None:
        """Take what is loaded, and begin to load what is missing."""
        loaded = self._loader.result()
        if loaded:
            self._loading = ""
            if settings:
                self._take(*loaded, settings)
        if settings and not self._loading and not self.failed:
            version = self._missing(settings)
            if version:
                self._load(version)

    def _missing(self, settings: Settings) -> str:
        """Return the version to load now; empty when all that the settings name is in service, or refused."""
        wanted, candidate = settings.model_version, settings.shadow_version
        if wanted and wanted not in self._refused and self._models.version != wanted:
            return wanted
        comparable = candidate and self._models.model and self._models.version != candidate
        if comparable and candidate not in self._refused and self._models.shadow_version != candidate:
            return candidate
        return ""

    def _load(self, version: str) -> None:
        self._loading = version
        self._loader.start(version)

    def _take(self, version: str, loaded: Model | RefusedModelError, settings: Settings) -> None:
        """Use a model for what the settings want it, or go on without it. What nobody wants any more is let go of."""
        if version == settings.model_version:
            if isinstance(loaded, Model):
                self._serve(loaded)
                self._report(version, "", loaded.correlation_id)
            else:
                self._refuse(version, str(loaded))
        elif version == settings.shadow_version:
            self._compare_with(version, loaded)
        elif version == self._fallback and self._models.model is None:
            if isinstance(loaded, Model):
                self._serve(loaded)
            else:
                self.failed = True

    def _serve(self, model: Model) -> None:
        """Let this model decide from the next image on."""
        self._models.model = model
        if self._models.shadow_version == model.version:
            self._drop_shadow()
        self._outbox.add(state={STATE: model.version})
        print(f"inspecting with model {model.version}", flush=True)

    def _refuse(self, version: str, reason: str) -> None:
        """Report a model that failed its proof, and go on with the one in service, if need be from before a restart."""
        self._refused.add(version)
        say(f"model {version} failed its proof: {reason}")
        self._report(version, reason)
        if self._models.model:
            return
        before = self._outbox.state(STATE)
        if before and before != version:
            self._fallback = before
            self._load(before)
        else:
            self.failed = True

    def _compare_with(self, version: str, loaded: Model | RefusedModelError) -> None:
        if isinstance(loaded, Model):
            self._models.shadow = loaded
            print(f"comparing with model {version}", flush=True)
            self._alarms.tell(Alarm.SHADOW, "")
        else:
            self._refused.add(version)
            self._alarms.tell(Alarm.SHADOW, f"model {version}: {loaded}")

    def _drop_shadow(self) -> None:
        """End the comparison, and with it what was wrong with the model."""
        self._models.shadow = None
        self._alarms.tell(Alarm.SHADOW, "")

    def _report(self, version: str, reason: str, correlation_id: str = "") -> None:
        """Say whether this device is healthy with the model; `reason` says what is wrong with it."""
        health: HealthMessage = {
            "thing": self._thing,
            "healthy": not reason,
            "model_version": version,
            "reason": reason or PROVEN,
            "at": datetime.now(timezone.utc).isoformat(),
        }
        if correlation_id:
            health["correlation_id"] = correlation_id
        self._outbox.add(to_cloud(Topic.HEALTH, health))
