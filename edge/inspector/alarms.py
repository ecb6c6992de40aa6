"""Alarms: raised once when something breaks, cleared once when it is well again."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone

from sightline.vision.python39 import StrEnum

from .items import Item
from .messages import AlarmMessage, Topic, to_cloud
from .outbox import Outbox

CLEAR_IMAGES = 3  # images in order, in a row, end the alarm of a camera fault
STATE = "alarms"  # what the outbox keeps the raised ones under


class Alarm(StrEnum):
    """What is wrong, beside the faults of the camera, which have alarms of their own names."""

    SOURCE = "source"
    STORAGE = "storage"
    SETTINGS = "settings"
    SHADOW = "shadow"


class Alarms:
    """Which alarms of one device are raised, also over restarts."""

    def __init__(self, thing: str, outbox: Outbox) -> None:
        self._thing, self._outbox = thing, outbox
        self._raised: dict[str, str] = json.loads(outbox.state(STATE) or "{}")
        known = set(Alarm)
        self._faults: dict[str, int] = {name: 0 for name in self._raised if name not in known}

    def tell(self, alarm: Alarm, detail: str, image: str = "") -> None:
        """Say what is wrong, empty when nothing is. A message leaves only when that is news."""
        due = self._changed(alarm, detail, image)
        if due:
            self._outbox.add(due, state=self.state())

    def look(self, fault: str, detail: str, image: str) -> list[Item]:
        """Take the camera's fault in one image, or an empty text. Return the messages that are due.

        They are kept with the image's verdict, together with `state`. Faults end after some images without them.
        """
        due = []
        if fault:
            self._faults[fault] = 0
            due.append(self._changed(fault, detail, image))
        for name in [name for name in self._faults if name != fault]:
            self._faults[name] += 1
            if self._faults[name] >= CLEAR_IMAGES:
                del self._faults[name]
                due.append(self._changed(name, "", image))
        return [item for item in due if item]

    def state(self) -> dict[str, str]:
        """Return what the next process is to be given, as the outbox keeps it."""
        return {STATE: json.dumps(self._raised)}

    def _changed(self, alarm: str, detail: str, image: str) -> Item | None:
        """Return the message of an alarm that is raised or cleared now.

        Only for refused settings another detail is news: it answers the person who has just tried to mend them.
        """
        known = self._raised.get(alarm, "")
        if bool(detail) == bool(known) and (alarm != Alarm.SETTINGS or detail == known):
            return None
        if detail:
            self._raised[alarm] = detail
        else:
            del self._raised[alarm]
        value: AlarmMessage = {
            "id": uuid.uuid4().hex,
            "thing": self._thing,
            "alarm": alarm,
            "state": "raised" if detail else "cleared",
            "detail": detail,
            "at": datetime.now(timezone.utc).isoformat(),
        }
        if image:
            value["image"] = image
        return to_cloud(Topic.ALARMS, value)
