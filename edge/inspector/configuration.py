"""The settings in use: new ones are checked and applied as a whole, wrong ones change nothing."""

import json
from typing import Protocol

from .alarms import Alarm, Alarms
from .log import one_line, say
from .outbox import Outbox
from .settings import InvalidSettingsError, Settings, SettingsSource, parse

STATE = "settings"  # what the outbox keeps the settings in use under


class Apply(Protocol):
    """Changes over to settings. Raises before anything is changed. `without_source` lets the source be missing."""

    def __call__(self, settings: Settings, *, without_source: bool) -> None: ...


class Configuration:
    """Follows the settings. `settings` are those in use; `failed` is set when there are none and never were any."""

    def __init__(self, incoming: SettingsSource, outbox: Outbox, alarms: Alarms, apply: Apply) -> None:
        self.settings: Settings | None = None
        self.failed = False
        self._incoming, self._outbox, self._alarms, self._apply = incoming, outbox, alarms, apply

    def step(self) -> None:
        """Use new settings, if there are any."""
        values = self._incoming.changed()
        if values is None:
            return
        try:
            self._use(parse(values))
        except InvalidSettingsError as error:
            self._refuse(str(error))
        except Exception as error:  # whatever a library makes of a value that looked right
            self._refuse(f"they can't be applied: {one_line(error)}")
        else:
            self._alarms.tell(Alarm.SETTINGS, "")
            self._outbox.add(state={STATE: json.dumps(values)})

    def close(self) -> None:
        self._incoming.close()

    def _use(self, settings: Settings, *, without_source: bool = False) -> None:
        self._apply(settings, without_source=without_source)
        self.settings = settings

    def _refuse(self, reason: str) -> None:
        """Keep what is in use; after a restart that is what was in use last."""
        say(f"settings refused: {reason}")
        self._alarms.tell(Alarm.SETTINGS, reason)
        if self.settings is None:
            self._resume()
            self.failed = self.settings is None

    def _resume(self) -> None:
        """Use the settings that were in use last, if there are any, even if their source is gone meanwhile."""
        before = self._outbox.state(STATE)
        if before is None:
            return
        try:
            self._use(parse(json.loads(before)), without_source=True)
        except Exception as error:
            say(f"the settings that were in use last can't be used again: {one_line(error)}")
