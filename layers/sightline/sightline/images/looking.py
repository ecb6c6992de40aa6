"""Make the ledger say what lies at one object key: look into the bucket until both agree."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from sightline.images.events import ObjectEvent
from sightline.images.image import Image
from sightline.images.places import ObjectVersion, Outcome, Place, Places
from sightline.images.uploads import Upload, Uploads

LOOKS = 12  # at one object, while it changes


class Seen(StrEnum):
    """What was seen at an object key that has changed nothing in the ledger's images."""

    GONE = "gone"  # nothing lies there, and the ledger knew nothing there
    FOLDER = "folder"  # an empty object whose key ends with a slash, as the S3 console makes them
    SET_ASIDE = "quarantined"  # no usable image: it was moved to quarantine/


class Looking:
    """Looks at single objects.

    `read` makes an image of an upload: a QUARANTINED one where it can't be used. `left` is told the id of an image that
    does not lie at the key any more.
    """

    def __init__(
        self,
        places: Places,
        uploads: Uploads,
        read: Callable[[ObjectEvent, Upload], Image],
        left: Callable[[str], None],
        max_bytes: int,
    ) -> None:
        self.places, self.uploads, self.read, self.left, self.max_bytes = places, uploads, read, left, max_bytes

    def look(self, event: ObjectEvent) -> list[Outcome | Seen]:
        """Return what has changed, step by step; at least one entry.

        The last step is always a look that finds nothing to change. So whatever happens to the object meanwhile, or to
        this call, either a later event tells of it or this one is repeated.
        """
        seen: list[Outcome | Seen] = []
        lay_there = ""
        for _ in range(LOOKS):
            before = self.places.at(event.bucket, event.key)
            lies_there = before.image_id if before else ""
            if lay_there and lay_there != lies_there:
                self.left(lay_there)
            lay_there = lies_there
            step = self._step(event, before)
            if step in (Outcome.UNCHANGED, Seen.GONE, Seen.FOLDER):
                return seen or [step]
            if step is not None:
                seen.append(step)
        raise RuntimeError(f"{event.key!r} in {event.bucket!r} changes all the time; the event comes again")

    def _step(self, event: ObjectEvent, before: Place | None) -> Outcome | Seen | None:
        """Bring the ledger nearer to the bucket. Return None when another one was faster."""
        if before is None:
            return self._first(event)
        newest = self.uploads.newest(event.bucket, event.key)
        if not before.holds(newest):
            return self._enter(event, before) if newest else self.places.write(before, before.emptied())
        if newest and before.refused:
            self.uploads.quarantine(before, before.refused)
            return Seen.SET_ASIDE
        if newest and not before.revision:
            return self._renew(event, before, newest)
        return Outcome.UNCHANGED

    def _renew(self, event: ObjectEvent, before: Place, newest: ObjectVersion) -> Outcome | Seen | None:
        """Write a row anew that is of a time before the sweep compared rows, and mend its image."""
        image = self.places.image(before.image_id)
        if image is None:
            return self._enter(event, before)
        refused = (image.reason or "") if image.quarantined_at else ""
        found = replace(image, key=event.key, version_id=newest.version_id or None)
        return self.places.write(before, before.taken(newest, image.image_id, refused), found)

    def _first(self, event: ObjectEvent) -> Outcome | Seen | None:
        """Look at an object that the ledger does not know."""
        found = self._enter(event, None)
        if found is Seen.GONE and self.places.at(event.bucket, event.key) is not None:
            return None  # another one has seen it while it was there
        return found

    def _enter(self, event: ObjectEvent, before: Place | None) -> Outcome | Seen | None:
        upload = self.uploads.read_upload(event.bucket, event.key, max_bytes=self.max_bytes)
        if upload is None:
            return Seen.GONE if before is None else None
        place = before or Place(event.bucket, event.key)
        if upload.bytes == 0 and event.key.endswith("/"):
            return self.places.write(place, place.emptied()) if place.is_taken else Seen.FOLDER
        if upload.bytes == 0:
            return self.places.write(before, place.taken(upload.version))
        image = self.read(event, upload)
        refused = (image.reason or "") if image.quarantined_at else ""
        return self.places.write(before, place.taken(upload.version, image.image_id, refused), image)
