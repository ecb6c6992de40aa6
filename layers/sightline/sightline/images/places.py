"""What lies at each object key, and which images still have an object: one transaction changes both.

The bucket is the truth. Whoever changes a place has read its row first, then looked into the bucket, and writes only
if the row is still as it was read: so the last look wins, whatever events there were, in whichever order.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from sightline.aws.table import Table
from sightline.fields import Fields
from sightline.images.counters import Change
from sightline.images.image import Image, ImageStatus, as_text, now

BY_LIST = "by_list"
LISTS = 16  # lists of the objects of one bucket, so that no partition of the index gets all writes
MAX_KEYS = 20  # object keys in an image's item; a copy more has an item of its own
TRIES = 12  # of one change, while others write the same images
PAUSE_SECONDS = 0.1  # times the number of tries; the index follows the table within a second


class Outcome(StrEnum):
    """What looking at one object key has changed in the ledger."""

    NEW = "new"  # an image that was not known
    KNOWN = "known"  # an image that was known lies there now
    REMOVED = "removed"  # nothing lies there any more
    EMPTY = "empty"  # a file of no bytes lies there: no image, and nothing to set aside
    UNCHANGED = "unchanged"  # the ledger said so before


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object, as S3 names it."""

    version_id: str  # "" in a bucket without versions
    etag: str

    @classmethod
    def of(cls, said: Mapping[str, object]) -> Self:
        """Read it from an answer of S3, or from an entry of a listing."""
        version_id = said.get("VersionId") or ""
        return cls("" if version_id == "null" else str(version_id), str(said.get("ETag", "")).strip('"'))


@dataclass(frozen=True, slots=True)
class Place:
    """What lay at one object key when the ledger last looked there."""

    bucket: str
    key: str
    revision: int = 0  # counts its changes; 0 in a row of a time before they were counted
    version_id: str = ""  # "" where nothing lies, and in a bucket without versions
    etag: str = ""  # "" where nothing lies
    image_id: str = ""  # "" where nothing lies, or an empty file
    refused: str = ""  # why it is no usable image, until it has been moved to quarantine/
    is_copy: bool = False  # the image's item has no room for the key: the copy has an item of its own

    def holds(self, newest: ObjectVersion | None) -> bool:
        """Return whether the ledger knows what lies there: `newest` is what the bucket says, None is nothing."""
        if newest is None or not self.is_taken:
            return newest is None and not self.is_taken
        return self.version_id == newest.version_id and self.etag in ("", newest.etag)

    @property
    def is_taken(self) -> bool:
        """Whether anything lies there."""
        return bool(self.image_id or self.etag)

    def taken(self, version: ObjectVersion, image_id: str = "", refused: str = "") -> "Place":
        """Return the place with a version in it."""
        return Place(self.bucket, self.key, self.revision, version.version_id, version.etag, image_id, refused)

    def emptied(self) -> "Place":
        """Return the place with nothing in it."""
        return Place(self.bucket, self.key, self.revision)


def image_key(image_id: str) -> dict[str, str]:
    return {"pk": f"image#{image_id}"}


def object_key(bucket: str, key: str) -> dict[str, str]:
    return {"pk": f"object#{bucket}/{key}"}


def copy_key(image_id: str, key: str) -> dict[str, str]:
    return {"pk": f"copy#{image_id}#{key}"}


def object_list(bucket: str, key: str) -> str:
    """Return the list of the index that the object at a key is in."""
    return f"objects#{bucket}#{hashlib.sha256(key.encode()).digest()[0] % LISTS}"


def object_lists(bucket: str) -> list[str]:
    return [f"objects#{bucket}#{number}" for number in range(LISTS)]


def copy_list(image_id: str) -> str:
    return f"copies#{image_id}"


class Places:
    """The rows of object keys, and the part of images' rows that says which objects they have."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def at(self, bucket: str, key: str) -> Place | None:
        item = self.table.get(object_key(bucket, key))
        if item is None:
            return None
        fields = Fields(item, f"in the ledger's item {item['pk']!r:.90}")
        return Place(
            bucket,
            key,
            fields.whole("revision", 0, default=0),
            fields.text("version_id", ""),
            fields.text("etag", ""),
            fields.text("image_id", ""),
            fields.text("refused", ""),
            is_copy="is_copy" in item,
        )

    def image(self, image_id: str) -> Image | None:
        item = self.table.get(image_key(image_id))
        return Image.from_item(item) if item is not None else None

    def copies(self, image_id: str, limit: int | None = None) -> Iterator[str]:
        """Give the keys of an image's objects that its own item has no room for. The index lags by moments."""
        for item in self.table.each(BY_LIST, "#list = :list", {"list": copy_list(image_id)}, limit):
            yield Fields(item, f"in the ledger's item {item['pk']!r:.90}").text("key")

    def write(self, before: Place | None, after: Place, found: Image | None = None) -> Outcome | None:
        """Change a place from `before` (None: no row) to `after`, and the images that lay and lie there with it.

        `found` is the image of `after`. Return what has changed, or None when the row is not `before` any more.
        """
        for attempt in range(TRIES):
            change, outcome, is_copy = Change(self.table), _without_image(after), False
            is_ready = not before or before.image_id in ("", after.image_id) or self._let_go(change, before)
            if is_ready and found is not None:
                is_same = before is not None and before.image_id == found.image_id
                outcome, is_copy = self._take(change, found, before if is_same else None)
            if is_ready:
                self._write_row(change, before, replace(after, is_copy=is_copy))
                if change.run():
                    return outcome
            if self.at(after.bucket, after.key) != before:
                return None
            time.sleep(PAUSE_SECONDS * attempt)
        raise RuntimeError(f"the images of {after.key!r} are being written by others; the event comes again")

    def forget(self, bucket: str, key: str, image_id: str) -> None:
        """Take an object that was erased out of the ledger, and its image where no other object has the bytes.

        Events of it that come again later find nothing in the bucket, and change nothing.
        """
        before = self.at(bucket, key)
        if before and before.image_id:
            self.write(before, before.emptied())
        self.table.delete(object_key(bucket, key))
        known = self.image(image_id)
        if known and not known.keys:
            change = Change(self.table)
            condition = "#status = :status AND attribute_not_exists(#keys)"
            change.delete_in(self.table, image_key(image_id), {"status": known.status}, condition=condition)
            change.move(image_id, known.status, None)
            change.run()

    def _write_row(self, change: Change, before: Place | None, after: Place) -> None:
        given: dict[str, object] = {
            "version_id": after.version_id or None,
            "etag": after.etag or None,
            "image_id": after.image_id or None,
            "refused": after.refused or None,
            "is_copy": after.is_copy or None,
            "list": object_list(after.bucket, after.key) if after.is_taken else None,
            "key": after.key if after.is_taken else None,
        }
        written = {name: value for name, value in given.items() if value is not None}
        removed = [f"#{name}" for name in given if name not in written]
        expression = f"SET {', '.join(f'#{name} = :{name}' for name in [*written, 'revision'])}"
        self._update_row(change, before, after, f"{expression} REMOVE {', '.join(removed)}", written)

    def _update_row(
        self, change: Change, before: Place | None, after: Place, expression: str, values: dict[str, object]
    ) -> None:
        condition, seen = _unchanged(before)
        revision = (before.revision if before else 0) + 1
        key = object_key(after.bucket, after.key)
        change.update(key, expression, {**values, **seen, "revision": revision}, condition=condition)

    def _take(self, change: Change, found: Image, before: Place | None) -> tuple[Outcome, bool]:
        """Enter that an image lies at a key. `before`: it lay there in another version. Return also whether the key is
        a copy without room in the image's item.
        """
        key, known = found.key, self.image(found.image_id)
        if known is None:
            item = replace(found, keys=frozenset({key}), copies=0, rounds=0, updated_at=now()).to_item()
            written = ", ".join(f"#{name} = :{name}" for name in item)
            change.update(image_key(found.image_id), f"SET {written}", item, condition="attribute_not_exists(pk)")
            change.move(found.image_id, None, found.status)
            return Outcome.NEW, False
        is_copy = before.is_copy if before else key not in known.keys and len(known.keys) >= MAX_KEYS
        sets, adds = list[str](), list[str]()
        values: dict[str, object] = {"removed": ImageStatus.REMOVED}
        condition = "#status = :removed" if known.status is ImageStatus.REMOVED else "NOT #status = :removed"
        if known.status is ImageStatus.REMOVED:
            sets += ["#status = :status", "#updated_at = :now"]
            values |= {"status": known.status_on_return(), "now": as_text(now())}
            change.move(known.image_id, known.status, known.status_on_return())
        if key == known.key or known.key not in known.keys:  # where it was read from may have been erased
            sets += ["#key = :key", "#version_id = :version_id"]
            values |= {"key": key, "version_id": found.version_id or "", "seen_key": known.key}
            condition += " AND #key = :seen_key"
        else:  # another one, whose object goes at this moment, may let the image be read from here
            values["place"] = key
            condition += " AND NOT #key = :place"
        if found.rendition and found.rendition != known.rendition:  # entered before there were renditions
            sets.append("#rendition = :rendition")
            values["rendition"] = found.rendition
        if is_copy and not before:
            adds.append("#copies :one")
            values["one"] = 1
            self._add_copy(change, known.image_id, key)
        elif not is_copy:
            adds.append("#keys :keys")
            values["keys"] = {key}
        if sets or adds:
            self._update_image(change, known, sets, adds, [], values, condition)
        return Outcome.KNOWN, is_copy

    def _let_go(self, change: Change, before: Place) -> bool:
        """Enter that an image does not lie at a key any more; without any object left it is REMOVED. Return False when
        its next object is not known yet: the index lags.
        """
        known = self.image(before.image_id)
        if known is None:
            return True
        if before.is_copy:
            change.delete(copy_key(known.image_id, before.key))
        keys, copies = known.keys - {before.key}, known.copies - before.is_copy
        if keys:
            self._stay(change, known, before, keys)
            return True
        if copies > 0:
            return self._promote(change, known, before)
        sets, removes, values = list[str](), ["#keys", "#copies"], self._seen_keys(known)
        condition = f"{values.pop('condition')} AND #status = :seen_status"
        values["seen_status"] = known.status
        if known.status not in (ImageStatus.QUARANTINED, ImageStatus.REMOVED):
            sets += ["#status = :status", "#updated_at = :now"]
            removes += ["#claimed_by", "#attention"]
            values |= {"status": ImageStatus.REMOVED, "now": as_text(now())}
            change.move(known.image_id, known.status, ImageStatus.REMOVED)
        self._update_image(change, known, sets, [], removes, values, condition)
        return True

    def _stay(self, change: Change, known: Image, before: Place, keys: frozenset[str]) -> None:
        """An image loses a key and has others: it is read from one of those, if it was read from the one that goes."""
        sets, adds, values, gone = list[str](), list[str](), dict[str, object](), ""
        condition = "attribute_exists(#keys)"
        if before.is_copy:
            adds, values["less"] = ["#copies :less"], -1
        else:
            gone, condition, values["gone"], values["one"] = "#keys :gone", "size(#keys) > :one", {before.key}, 1
        if known.key == before.key:
            places = (self.at(known.bucket, key) for key in sorted(keys))
            other = next((place for place in places if place and place.image_id == known.image_id), None)
            if other:
                sets = ["#key = :key", "#version_id = :version_id"]
                values |= {"key": other.key, "version_id": other.version_id}
                self._check(change, other)
        else:
            values["place"] = before.key
            condition += " AND NOT #key = :place"
        self._update_image(change, known, sets, adds, [], values, condition, gone)

    def _promote(self, change: Change, known: Image, before: Place) -> bool:
        """An image loses the last key of its item: it takes the key of a copy in, and is read from there."""
        for key in self.copies(known.image_id, limit=5):
            other = self.at(known.bucket, key)
            if key == before.key or not other or other.image_id != known.image_id or not other.is_copy:
                continue
            change.delete(copy_key(known.image_id, key))
            self._update_row(change, other, other, "SET #revision = :revision REMOVE #is_copy", {})
            values = self._seen_keys(known)
            condition = str(values.pop("condition"))
            values |= {"keys": {key}, "key": key, "version_id": other.version_id, "less": -1 - before.is_copy}
            sets = ["#keys = :keys", "#key = :key", "#version_id = :version_id"]
            self._update_image(change, known, sets, ["#copies :less"], [], values, condition)
            return True
        return False

    def _seen_keys(self, known: Image) -> dict[str, object]:
        """Return the condition that an image has the objects that were read, and the values that it takes."""
        values: dict[str, object] = {"condition": "attribute_not_exists(#keys)"}
        if known.keys:
            values = {"condition": "#keys = :seen_keys", "seen_keys": set(known.keys)}
        if known.copies:
            values["condition"] = f"{values['condition']} AND #copies = :seen_copies"
            return {**values, "seen_copies": known.copies}
        values["condition"] = f"{values['condition']} AND (attribute_not_exists(#copies) OR #copies = :none)"
        return {**values, "none": 0}

    def _add_copy(self, change: Change, image_id: str, key: str) -> None:
        listed = {"list": copy_list(image_id), "key": key}
        change.update(copy_key(image_id, key), "SET #list = :list, #key = :key", listed)

    def _check(self, change: Change, place: Place) -> None:
        condition, seen = _unchanged(place)
        change.check(object_key(place.bucket, place.key), condition, seen)

    def _update_image(
        self,
        change: Change,
        known: Image,
        sets: list[str],
        adds: list[str],
        removes: list[str],
        values: dict[str, object],
        condition: str,
        deletes: str = "",
    ) -> None:
        parts = {"SET": sets, "ADD": adds, "REMOVE": removes, "DELETE": [deletes] if deletes else []}
        expression = " ".join(f"{word} {', '.join(clauses)}" for word, clauses in parts.items() if clauses)
        change.update(image_key(known.image_id), expression, values, condition=condition)


def _without_image(after: Place) -> Outcome:
    """Return what has changed where no image was read."""
    if after.image_id:
        return Outcome.UNCHANGED
    return Outcome.EMPTY if after.is_taken else Outcome.REMOVED


def _unchanged(place: Place | None) -> tuple[str, dict[str, object]]:
    """Return the condition that the row of a place is still as it was read, and its values."""
    if place is None:
        return "attribute_not_exists(pk)", {}
    if place.revision:
        return "#revision = :seen", {"seen": place.revision}
    return "attribute_exists(pk) AND attribute_not_exists(#revision)", {}
