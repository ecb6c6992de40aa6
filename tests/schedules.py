"""A bucket whose objects are overwritten, deleted, undeleted and made again while its events come late, in any order,
more than once or not at all, and functions are interrupted; and what is wrong in the ledger afterwards.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

from sightline.aws.table import from_item
from sightline.images.image import ImageStatus
from tests.fake_cloud import Cloud, jpeg
from tests.given_aws import GivenAws
from tests.memory_cloud import MemoryBucket, MemoryQueue, MemoryTables

BAD = b"no image at all"
WRITES = {"update_item", "put_item", "delete_item", "transact_write_items", "copy_object", "delete_object"}
CALLS = WRITES | {"get_item", "batch_get_item", "query", "scan", "get_object", "head_object", "list_object_versions"}
DELIVERIES = 25  # of one event that fails every time


class CrashError(Exception):
    """The function ends here."""


class Bucket:
    """The images bucket. Everything that happens to it makes the event that S3 would send."""

    def __init__(self, s3: MemoryBucket, sample: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        self.s3, self.sample, self.send = s3, sample, send
        self.number = 0

    def put(self, key: str, body: bytes) -> None:
        version = self.s3.put_object(Key=key, Body=body)["VersionId"]
        self.happened(key, "Object Created", version, size=len(body))

    def delete(self, key: str) -> None:
        version = self.s3.delete_object(Key=key)["VersionId"]
        self.happened(key, "Object Deleted", version, deletion="Delete Marker Created")

    def erase(self, key: str, version: str) -> None:
        """Erase a version, or take a delete marker away."""
        self.s3.delete_object(Key=key, VersionId=version)
        self.happened(key, "Object Deleted", version, deletion="Permanently Deleted")

    def happened(self, key: str, kind: str, version: str, size: int = 0, deletion: str = "") -> None:
        self.number += 1
        body = json.loads(self.sample["body"])
        body["detail-type"] = kind
        item: dict[str, Any] = {"key": key, "version-id": version, "sequencer": f"{self.number:016X}"}
        body["detail"] |= {"bucket": {"name": "images"}, "object": item | ({"size": size} if size else {})}
        body["detail"] |= {"deletion-type": deletion} if deletion else {}
        self.send({**self.sample, "messageId": f"message-{self.number}", "body": json.dumps(body)})

    def change(self, random: Random, key: str, bodies: list[bytes]) -> None:
        """Do one thing to a key."""
        versions = self.s3.keys[key][::-1]  # the newest first
        what = random.choice(["put", "put", "put", "delete", "undelete", "undelete", "erase", "erase old"])
        if what == "delete" and versions and versions[0].body is not None:
            self.delete(key)
        elif versions and (what == "erase" or (what == "undelete" and versions[0].body is None)):
            self.erase(key, versions[0].id)
        elif what == "erase old" and len(versions) > 1:
            self.erase(key, random.choice(versions[1:]).id)
        else:
            self.put(key, random.choice(bodies))


class Interrupted:
    """A client of AWS; `before` and `after` are called for each of its calls."""

    def __init__(self, client: Any, before: Callable[[], None], after: Callable[[str, Any, Any], None]) -> None:
        self._client, self._before, self._after = client, before, after
        self.exceptions = getattr(client, "exceptions", None)

    def __getattr__(self, name: str) -> Any:
        do = getattr(self._client, name)

        def call(**asked: Any) -> Any:
            self._before()
            answer = do(**asked)
            self._after(name, asked, answer)
            return answer

        return call if name in CALLS else do


class World:
    """A bucket, its events on their way, and two calls of register_images, of which one interrupts the other."""

    def __init__(
        self,
        cloud: Cloud,
        aws: GivenAws,
        load_app: Callable[..., ModuleType],
        random: Random,
        *,
        lost: float = 0.0,
        crashes: float = 0.0,
        interruptions: float = 0.0,
    ) -> None:
        self.random, self.lost, self.crashes, self.interruptions = random, lost, crashes, interruptions
        self.waiting: list[dict[str, Any]] = []  # events on their way, each as often as it will come
        self.keys: dict[str, list[bytes]] = {}  # with what may be put there
        self.failures: dict[str, int] = defaultdict(int)
        self.counted: dict[str, int] = defaultdict(int)
        self.depth = 0
        self.changes_left = 0  # that may interrupt a function
        self.context = cloud.context
        self.s3, self.tables, self.queue = MemoryBucket(), MemoryTables(), MemoryQueue()
        self.bucket = Bucket(self.s3, cloud.event("register_images")["Records"][0], self.send)
        aws.given |= {
            "s3": Interrupted(self.s3, self._before, self._after),
            "dynamodb": Interrupted(self.tables, self._before, self._after),
            "sqs": self.queue,
            "stepfunctions": SimpleNamespace(start_execution=lambda **_: {}),
        }
        self.apps = [load_app("register_images", **cloud.environment) for _ in range(2)]
        self.sweeper = load_app("sweep_images", **cloud.environment)

    def send(self, record: dict[str, Any]) -> None:
        self.counted["events"] += 1
        if self.random.random() < self.lost:
            self.counted["lost"] += 1
            return
        self.waiting += [record] * self.random.randint(1, 5)

    def _before(self) -> None:
        if self.depth != 1 or self.random.random() >= self.interruptions:
            return
        self.counted["interruptions"] += 1
        if self.changes_left > 0 and self.random.random() < 0.4:
            self.change()
        else:
            self.deliver()

    def _after(self, name: str, asked: Any, answer: Any) -> None:
        if name == "delete_object":  # S3 sends an event for what the function itself deletes
            self.bucket.happened(asked["Key"], "Object Deleted", answer["VersionId"], deletion="Delete Marker Created")
        if name in WRITES and self.random.random() < self.crashes:
            self.counted["crashes"] += 1
            raise CrashError(name)

    def change(self) -> None:
        self.changes_left -= 1
        key = self.random.choice(list(self.keys))
        self.bucket.change(self.random, key, self.keys[key])

    def deliver(self, number: int = 1) -> None:
        """Hand the next events, of all that wait at random ones, to the function. What fails comes again."""
        records = [
            self.waiting.pop(self.random.randrange(len(self.waiting))) for _ in range(min(number, len(self.waiting)))
        ]
        if not records:
            return
        app = self.apps[self.depth]
        self.depth += 1
        ids = {record["messageId"] for record in records}
        unique = [next(one for one in records if one["messageId"] == each) for each in sorted(ids)]
        self.counted["deliveries"] += len(unique)
        try:
            answer = app.handler({"Records": unique}, self.context)
            failed = {entry["itemIdentifier"] for entry in answer["batchItemFailures"]}
        except Exception:  # every record of the batch has failed
            failed = ids
        finally:
            self.depth -= 1
        for record in unique:
            if record["messageId"] in failed:
                self.failures[record["messageId"]] += 1
                if self.failures[record["messageId"]] > DELIVERIES:
                    raise AssertionError(f"an event fails again and again: {record['body']}")
                self.waiting.append(record)

    def deliver_all(self, batch: int = 1) -> None:
        while self.waiting:
            self.deliver(batch)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        before = self.lost, self.crashes, self.interruptions
        self.lost = self.crashes = self.interruptions = 0.0
        yield
        self.lost, self.crashes, self.interruptions = before

    def sweep(self) -> None:
        """Sweep once, and have everything looked at that the sweep has found."""
        with self.undisturbed():
            self.sweeper.handler({"begin": True}, self.context)
            for number, body in enumerate(self.queue.bodies):
                self.waiting.append({**self.bucket.sample, "messageId": f"swept-{number}", "body": body})
            self.counted["swept"] += len(self.queue.bodies)
            self.queue.bodies.clear()
            self.deliver_all(10)

    def faults(self) -> list[str]:
        """Return what is wrong in the ledger: a line for each row."""
        newest = {
            key: (versions[-1].id, hashlib.sha256(versions[-1].body).hexdigest())
            for key, versions in self.s3.keys.items()
            if key.startswith("incoming/") and versions and versions[-1].body is not None
        }
        rows = {row["pk"]: row for row in self._rows()}
        found = []
        for key in self.keys:
            said = rows.get(f"object#images/{key}", {}).get("image_id", "")
            if said != newest.get(key, ("", ""))[1]:
                found.append(f"{key}: {said[:8]!r} instead of {newest.get(key, ('', ''))[1][:8]!r}")
        lying: dict[str, set[str]] = defaultdict(set)
        for key, (_, image_id) in newest.items():
            lying[image_id].add(key)
        found += self._miscounted(rows)
        images = {pk.removeprefix("image#") for pk in rows if pk.startswith("image#")}
        for image_id in images | set(lying):
            found += self._faults_of(image_id, rows, lying[image_id], newest)
        return found

    def _miscounted(self, rows: dict[str, Any]) -> list[str]:
        """Return the statuses of which the counters say another number than there are images."""
        there = Counter(row["status"] for pk, row in rows.items() if pk.startswith("image#"))
        said = Counter[str]()
        for pk, row in rows.items():
            if pk.startswith("count#"):
                said.update({status: row.get(status, 0) for status in ImageStatus})
        return [
            f"{said[one]} counted as {one} instead of {there[one]}" for one in ImageStatus if said[one] != there[one]
        ]

    def _faults_of(
        self, image_id: str, rows: dict[str, Any], lying: set[str], newest: dict[str, tuple[str, str]]
    ) -> list[str]:
        row = rows.get(f"image#{image_id}")
        if row is None:
            return [f"{image_id[:8]}: no row"]
        copies = {pk.split("#", 2)[2] for pk in rows if pk.startswith(f"copy#{image_id}#")}
        keys = set(row.get("keys", ())) | copies
        found = []
        if keys != lying or len(keys) != len(row.get("keys", ())) + row.get("copies", 0):
            found.append(f"{image_id[:8]}: lies at {sorted(lying)}, said is {sorted(keys)}")
        bad = hashlib.sha256(BAD).hexdigest() == image_id
        status = "QUARANTINED" if bad else "NEW" if lying else "REMOVED"
        if row["status"] != status:
            found.append(f"{image_id[:8]}: {row['status']} instead of {status}")
        if lying and (row["key"] not in lying or row["version_id"] != newest[row["key"]][0]):
            found.append(f"{image_id[:8]}: read from {row['key']} {row['version_id'][:8]}, which is not the newest")
        return found

    def _rows(self) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            page = self.tables.scan(TableName="ImagesTable", **start)
            yield from (from_item(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def schedule(world: World, name: str, changes: int = 10) -> None:
    """One random schedule on keys of its own: it goes on until all its events have come."""
    random = world.random
    photos = [jpeg(random.randrange(10**6)) for _ in range(3)]
    world.keys = {
        f"incoming/{name}/{letter}.jpg": [*photos, *([BAD] if random.random() < 0.2 else [])] for letter in "ab"
    }
    world.changes_left = changes
    while world.changes_left > 0:
        world.change()
        while world.waiting and random.random() < 0.6:
            world.deliver()
    world.deliver_all()
