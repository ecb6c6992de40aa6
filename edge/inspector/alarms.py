"""Alarms: raised once when something breaks, cleared once when it is well again."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from .outbox import Item, message

CLEAR_IMAGES = 3  # images in order, in a row, end the alarm of a camera fault
SOURCE, STORAGE, SETTINGS, SHADOW = "source", "storage", "settings", "shadow"


class Alarms:
    """Which alarms of one device are raised; `kept` is what `state` said in the process before."""

    def __init__(self, thing: str, kept: str | None) -> None:
        self._thing = thing
        self._raised: dict[str, str] = json.loads(kept) if kept else {}
        self._faults: dict[str, int] = {
            name: 0 for name in self._raised if name not in (SOURCE, STORAGE, SETTINGS, SHADOW)
        }

    def set(self, alarm: str, detail: str, image: str = "") -> list[Item]:
        """`detail` says what is wrong, empty says that nothing is; answers the message that this makes due, if any.

        Only for refused settings another detail is news: it answers the person who has just tried to mend them.
        """
        known = self._raised.get(alarm, "")
        if bool(detail) == bool(known) and (alarm != SETTINGS or detail == known):
            return []
        if detail:
            self._raised[alarm] = detail
        else:
            del self._raised[alarm]
        value: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "thing": self._thing,
            "alarm": alarm,
            "state": "raised" if detail else "cleared",
            "detail": detail,
            "at": datetime.now(UTC).isoformat(),
        }
        return [message(f"sightline/{self._thing}/alarms", value | ({"image": image} if image else {}))]

    def look(self, fault: str, detail: str, image: str) -> list[Item]:
        """The camera's fault in one image, or an empty text: faults end after some images without them."""
        due = []
        if fault:
            self._faults[fault] = 0
            due += self.set(fault, detail, image)
        for name in [name for name in self._faults if name != fault]:
            self._faults[name] += 1
            if self._faults[name] >= CLEAR_IMAGES:
                del self._faults[name]
                due += self.set(name, "", image)
        return due

    def state(self) -> str:
        """What the next process is to be given."""
        return json.dumps(self._raised)
