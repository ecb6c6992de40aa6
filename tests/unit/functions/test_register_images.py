"""Registering uploads: at least once, in any order, whatever was uploaded."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from sightline.images import places
from sightline.images.image import ImageStatus
from sightline.images.uploads import Uploads
from sightline.vision.phash import detail
from tests.fake_cloud import Cloud, jpeg
from tests.hostile.case import photo, saved
from tests.hostile.jpeg_scans import progressive
from tests.hostile.png_chunks import chunk, with_more, zeros
from tests.hostile.tiff_layout import tiled
from tests.hostile.webp import extended
from tests.images import become, ledger

STOPPED = set[str]()


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the executions that were started. Those in STOPPED have ended since."""
    names: list[str] = []

    def start_once(_: object, name: str, payload: object) -> bool:
        names.append(name)
        return name not in STOPPED

    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", start_once)
    STOPPED.clear()
    return names


def image_id(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def register(step: Any, *records: dict[str, Any]) -> list[Any]:
    failures: list[Any] = step("register_images", {"Records": list(records)})["batchItemFailures"]
    return failures


def test_an_image_is_entered_with_what_its_content_says(step: Any, cloud: Cloud, started: list[str]) -> None:
    assert register(step, cloud.upload("a b.png.jpg", jpeg(1))) == []
    item = ledger().image(image_id(jpeg(1)))
    assert item is not None
    assert {key: getattr(item, key) for key in ("status", "key", "width", "height", "format", "source")} == {
        "status": "NEW",
        "key": "incoming/a b.png.jpg",
        "width": 64,
        "height": 64,
        "format": "jpeg",
        "source": "upload",
    }
    assert detail(item.phash).shape == (48, 48)
    assert len(started) == 1


def test_an_image_that_a_device_sends_back_is_entered_with_what_the_device_says(step: Any, cloud: Cloud) -> None:
    said = {"source": "device", "device": "line-1", "verdict": "review", "model-version": "1.0.3", "sampled": "review"}
    metadata = {**said, "captured-at": "2026-11-24T10:00:00+00:00", "status": "APPROVED"}
    assert register(step, cloud.upload("line-1/2026-11-24/a.jpg", jpeg(1), **metadata)) == []
    item = ledger().image(image_id(jpeg(1)))
    assert item is not None
    assert item.device == "line-1"
    assert {
        key: getattr(item, key) for key in ("status", "source", "verdict", "model_version", "sampled", "captured_at")
    } == {
        "status": "NEW",
        "source": "device",
        "verdict": "review",
        "model_version": "1.0.3",
        "sampled": "review",
        "captured_at": "2026-11-24T10:00:00+00:00",
    }


def test_who_writes_elsewhere_in_a_devices_name_is_not_believed(step: Any, cloud: Cloud) -> None:
    said = {"source": "device", "device": "line-1", "verdict": "pass", "model-version": "1.0.3", "sampled": "random"}
    assert register(step, cloud.upload("line-2/2026-11-24/a.jpg", jpeg(1), **said)) == []
    item = ledger().image(image_id(jpeg(1)))
    assert item is not None
    assert (item.source, item.device, item.verdict, item.model_version, item.sampled) == ("upload", *[None] * 4)


def test_the_same_event_twice_changes_nothing_and_opens_one_window(step: Any, cloud: Cloud, started: list[str]) -> None:
    record = cloud.upload("a.jpg", jpeg(1))
    register(step, record)
    before = ledger().image(image_id(jpeg(1)))
    register(step, record, cloud.upload("b.jpg", jpeg(2)))
    assert ledger().image(image_id(jpeg(1))) == before
    assert len(set(started)) == 1


def test_what_comes_after_a_window_was_stopped_is_collected_in_another_one(
    step: Any, cloud: Cloud, started: list[str]
) -> None:
    register(step, cloud.upload("a.jpg", jpeg(1)))
    STOPPED.update(started)
    register(step, cloud.upload("b.jpg", jpeg(2)))
    register(step, cloud.upload("c.jpg", jpeg(3)))
    first, again, second, third = started
    assert (first, second) == (again, third) != (second, first)


def test_the_same_bytes_under_two_names_are_one_image(step: Any, cloud: Cloud) -> None:
    register(step, cloud.upload("a.jpg", jpeg(1)), cloud.upload("copy.jpg", jpeg(1)))
    item = ledger().image(image_id(jpeg(1)))
    assert item is not None
    assert item.keys == {"incoming/a.jpg", "incoming/copy.jpg"}


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("corrupt.jpg", jpeg(1, 256)[:900], "damaged image"),
        ("text.jpg", b"not a photo at all", "not an image in one of the formats"),
        ("tiny.jpg", jpeg(1, 8), "at least 16 on each side"),
        ("huge.jpg", b"\xff" * 1_000_001, "at most 1000000 are taken"),
    ],
)
def test_what_is_no_image_is_set_aside_with_the_reason(
    step: Any, cloud: Cloud, name: str, body: bytes, reason: str
) -> None:
    good = cloud.upload("good.jpg", jpeg(5))
    record = cloud.upload(name, body)
    assert register(step, record, good) == []
    assert register(step, record) == []
    quarantined = ledger().with_status(ImageStatus.QUARANTINED)
    assert [item.key for item in quarantined] == [f"incoming/{name}"]
    assert reason in (quarantined[0].reason or "")
    assert cloud.objects("images")[0] == "incoming/good.jpg"
    assert [key.rsplit("/", 1)[1] for key in cloud.objects("images")[1:]] == [name]
    assert reason in cloud.s3.head_object(Bucket="images", Key=cloud.objects("images")[1])["Metadata"]["reason"]


def test_deleting_the_last_object_removes_the_image_and_uploading_it_again_brings_it_back(
    step: Any, cloud: Cloud
) -> None:
    register(step, cloud.upload("a.jpg", jpeg(1), "1"))
    register(step, cloud.upload("a.jpg", b"", "2", "Object Deleted"))
    assert [item.image_id for item in ledger().with_status(ImageStatus.REMOVED)] == [image_id(jpeg(1))]
    register(step, cloud.upload("a.jpg", jpeg(1), "3"))
    assert [item.image_id for item in ledger().with_status(ImageStatus.NEW)] == [image_id(jpeg(1))]


def test_the_event_of_a_version_that_was_overwritten_finds_the_newest(step: Any, cloud: Cloud) -> None:
    first = cloud.upload("a.jpg", jpeg(1), "1")
    cloud.upload("a.jpg", jpeg(2), "2")
    register(step, first)
    assert [item.image_id for item in ledger().with_status(ImageStatus.NEW)] == [image_id(jpeg(2))]
    assert ledger().image(image_id(jpeg(1))) is None


def test_an_image_is_back_when_its_delete_marker_is_taken_away(step: Any, cloud: Cloud, started: list[str]) -> None:
    register(step, cloud.upload("a.jpg", jpeg(1), "1"))
    deleted = cloud.upload("a.jpg", b"", "2", "Object Deleted")
    register(step, deleted)
    marker = json.loads(deleted["body"])["detail"]["object"]["version-id"]
    cloud.s3.delete_object(Bucket="images", Key="incoming/a.jpg", VersionId=marker)
    started.clear()
    register(step, deleted)  # S3 tells of it as of any deletion
    assert [item.image_id for item in ledger().with_status(ImageStatus.NEW)] == [image_id(jpeg(1))]
    assert len(started) == 1


def test_erasing_the_newest_version_brings_the_one_before_it_back(step: Any, cloud: Cloud) -> None:
    register(step, cloud.upload("a.jpg", jpeg(1), "1"))
    second = cloud.upload("a.jpg", jpeg(2), "2")
    register(step, second)
    newest = json.loads(second["body"])["detail"]["object"]["version-id"]
    cloud.s3.delete_object(Bucket="images", Key="incoming/a.jpg", VersionId=newest)
    register(step, second)
    assert [item.image_id for item in ledger().with_status(ImageStatus.NEW)] == [image_id(jpeg(1))]
    assert [item.image_id for item in ledger().with_status(ImageStatus.REMOVED)] == [image_id(jpeg(2))]


def test_a_folder_leaves_no_trace_and_an_empty_file_is_no_image_and_not_set_aside(step: Any, cloud: Cloud) -> None:
    assert register(step, cloud.upload("line-1/", b""), cloud.upload("empty.jpg", b"")) == []
    assert ledger().places.at("images", "incoming/line-1/") is None
    place = ledger().places.at("images", "incoming/empty.jpg")
    assert place is not None
    assert (place.image_id, place.is_taken) == ("", True)
    assert (ledger().counts()[ImageStatus.QUARANTINED], len(cloud.objects("images"))) == (0, 2)
    register(step, cloud.upload("empty.jpg", jpeg(1)))
    assert ledger().counts()[ImageStatus.NEW] == 1


def test_an_object_that_was_refused_before_the_function_died_is_set_aside_by_the_next_event(
    step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise RuntimeError("out of time")

    record = cloud.upload("text.jpg", b"not a photo at all")
    with monkeypatch.context() as dying:
        dying.setattr(Uploads, "quarantine", die)
        assert register(step, record) == [{"itemIdentifier": record["messageId"]}]
    assert cloud.objects("images") == ["incoming/text.jpg"]
    register(step, record)
    assert [key.split("/")[0] for key in cloud.objects("images")] == ["quarantine"]


def test_a_camera_that_freezes_leaves_an_item_of_its_size_and_each_copy_can_go_again(
    step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MAX_KEYS", 2)
    records = [cloud.upload(f"{number:03}.jpg", jpeg(1)) for number in range(7)]
    assert register(step, *records) == []
    item = ledger().image(image_id(jpeg(1)))
    assert item is not None
    assert (len(item.keys), item.copies) == (2, 5)
    for number in range(5):
        register(step, cloud.upload(f"{number:03}.jpg", b"", "2", "Object Deleted"))
    item = ledger().image(image_id(jpeg(1)))
    assert item is not None
    lying = set(item.keys) | set(ledger().places.copies(item.image_id))
    assert (lying, item.status) == ({"incoming/005.jpg", "incoming/006.jpg"}, ImageStatus.NEW)
    assert item.key in item.keys


@pytest.mark.parametrize("name", ["ä" * 501 + ".jpg", "x" * 1015])
def test_a_name_as_long_as_s3_takes_is_set_aside_under_a_shorter_one(step: Any, cloud: Cloud, name: str) -> None:
    assert register(step, cloud.upload(name, b"not a photo at all")) == []
    (key,) = cloud.objects("images")
    assert key.startswith("quarantine/")
    assert len(key.encode()) <= 1024
    assert key.endswith(name[-4:] if "." in name else "")


def test_a_row_of_a_time_before_rows_were_compared_is_written_anew_with_its_image(step: Any, cloud: Cloud) -> None:
    record = cloud.upload("a.jpg", jpeg(1))
    register(step, record)
    table, pk = ledger().table, {"pk": "object#images/incoming/a.jpg"}
    table.update(pk, "SET #sequencer = :old REMOVE #revision, #etag, #list, #key", {"old": "0" * 64})
    become(image_id(jpeg(1)), ImageStatus.REMOVED)  # as after a delete marker that was taken away
    register(step, record)
    place = ledger().places.at("images", "incoming/a.jpg")
    assert place is not None
    assert (place.revision, bool(place.etag), ledger().counts()[ImageStatus.NEW]) == (1, True, 1)


def test_an_overwritten_object_removes_the_image_that_was_there(step: Any, cloud: Cloud) -> None:
    register(step, cloud.upload("a.jpg", jpeg(1), "1"))
    register(step, cloud.upload("a.jpg", jpeg(2), "2"))
    assert [item.image_id for item in ledger().with_status(ImageStatus.REMOVED)] == [image_id(jpeg(1))]
    assert [item.image_id for item in ledger().with_status(ImageStatus.NEW)] == [image_id(jpeg(2))]


def test_an_object_that_was_deleted_in_between_is_no_error(step: Any, cloud: Cloud) -> None:
    record = cloud.upload("a.jpg", jpeg(1))
    version = cloud.s3.list_object_versions(Bucket="images")["Versions"][0]["VersionId"]
    cloud.s3.delete_object(Bucket="images", Key="incoming/a.jpg", VersionId=version)
    assert register(step, record) == []


def changed(record: dict[str, Any], **detail: Any) -> str:
    inner = json.loads(record["body"])
    inner["detail"] |= detail
    return json.dumps(inner)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda _: "no JSON", "the message can't be read: Expecting value"),
        (lambda _: "[" * 100_000, "the message can't be read: maximum recursion depth"),
        (lambda _: '{"detail": {}}', "not an S3 object event: detail-type"),
        (lambda record: changed(record, bucket={"name": "another"}), "is not under s3://images/incoming/"),
        (lambda record: changed(record, object={"key": "quarantine/x.jpg"}), "is not under s3://images/incoming/"),
        (lambda record: changed(record, object={"key": "incoming/\ud800.jpg"}), "asks for what no request can"),
    ],
)
def test_a_message_that_can_never_succeed_lies_in_the_dead_letter_queue_at_once(
    step: Any, cloud: Cloud, broken: Callable[[dict[str, Any]], str], reason: str
) -> None:
    record = cloud.upload("x.jpg", jpeg(9))
    bad = {**record, "messageId": "bad", "body": broken(record)}
    assert register(step, bad, cloud.upload("a.jpg", jpeg(1))) == []
    assert ledger().counts()[ImageStatus.NEW] == 1
    ((body, why),) = cloud.set_aside().items()
    assert (body, reason in why) == (bad["body"], True), why


def test_what_failed_comes_again_alone_and_leaves_a_line_with_key_and_reason(
    step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = Uploads.read_upload

    def read_upload(self: Uploads, bucket: str, key: str, *, max_bytes: int) -> Any:
        if key.endswith("b.jpg"):
            raise TimeoutError("S3 is away")
        return read(self, bucket, key, max_bytes=max_bytes)

    monkeypatch.setattr(Uploads, "read_upload", read_upload)
    records = [cloud.upload(name, jpeg(number)) for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg"))]
    assert register(step, *records) == [{"itemIdentifier": "message-b.jpg-1"}]
    assert (ledger().counts()[ImageStatus.NEW], cloud.set_aside()) == (2, {})
    said = [(getattr(line, "key", ""), getattr(line, "reason", "")) for line in caplog.records]
    assert ("incoming/b.jpg", "TimeoutError: S3 is away") in said


def test_poisoned_images_do_not_harm_the_others_of_their_batch(
    step: Any, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    poisoned = {
        "scans.jpg": (progressive(2000, 2000, 1900), "takes too long to decode"),
        "canvas.webp": (extended(8000, 8000, 0, [saved(photo(), "WEBP")[12:]]), "MiB of memory"),
        "tile.tif": (tiled(100, 100, (10_000, 10_000), 8, zeros(300 << 20)), "damaged image"),
        "text.png": (with_more(lambda: chunk(b"zTXt", b"x\0\0" + zeros(8 << 20)))(), "unpacks to more than"),
    }
    records = []
    for number, (name, (body, _)) in enumerate(poisoned.items()):
        records += [cloud.upload(name, body), cloud.upload(f"good{number}.jpg", jpeg(number))]
    assert register(step, *records) == []
    assert (ledger().counts()[ImageStatus.NEW], cloud.set_aside()) == (4, {})
    reasons = {item.key: item.reason or "" for item in ledger().with_status(ImageStatus.QUARANTINED)}
    assert {key: said in reasons[f"incoming/{key}"] for key, (_, said) in poisoned.items()} == dict.fromkeys(
        poisoned, True
    )
    logged = {
        getattr(line, "key", ""): getattr(line, "reason", "") for line in caplog.records if hasattr(line, "reason")
    }
    assert logged == reasons


def test_a_call_without_records_is_answered_and_starts_nothing(step: Any, started: list[str]) -> None:
    assert (register(step), started) == ([], [])
