"""Uploaded objects: the version of the event, under limits, or set aside with the reason."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.images.events import ObjectEvent
from sightline.images.uploads import Upload, Uploads, unread_id
from tests.fake_cloud import Cloud, cloud
from tests.given_aws import GivenAws

__all__ = ["cloud"]  # a fixture

KEY = "incoming/line-1/Größe 1.jpg"


def uploaded(cloud: Cloud, body: bytes, **metadata: str) -> ObjectEvent:
    version = cloud.s3.put_object(Bucket="images", Key=KEY, Body=body, Metadata=metadata)["VersionId"]
    return ObjectEvent(
        bucket="images",
        key=KEY,
        version_id=version,
        bytes=len(body),
        sequencer="1",
        deleted=False,
        erased=False,
        time="2026-11-20T09:00:00+00:00",
    )


@pytest.fixture
def uploads(cloud: Cloud) -> Uploads:
    return Uploads(Aws())


def test_the_version_of_the_event_is_read_whatever_came_later(uploads: Uploads, cloud: Cloud) -> None:
    first = uploaded(cloud, b"first", device="line-1")
    second = uploaded(cloud, b"second")
    assert uploads.read_upload(first, max_bytes=9) == Upload(b"first", {"device": "line-1"}, 5, first.version_id)
    newest = replace(first, version_id=None)
    assert uploads.read_upload(newest, max_bytes=9) == Upload(b"second", {}, 6, second.version_id)
    assert uploads.read_image("images", KEY, first.version_id, max_bytes=9) == b"first"
    assert uploads.read_image("images", KEY, max_bytes=9) == b"second"


@pytest.mark.parametrize(("max_bytes", "body"), [(5, b"photo"), (4, None), (0, None)])
def test_an_object_larger_than_the_limit_is_told_but_not_read(
    uploads: Uploads, cloud: Cloud, max_bytes: int, body: bytes | None
) -> None:
    event = uploaded(cloud, b"photo")
    assert uploads.read_upload(event, max_bytes=max_bytes) == Upload(body, {}, 5, event.version_id)
    assert uploads.read_image("images", KEY, max_bytes=max_bytes) == body


def test_a_version_that_was_erased_and_an_object_that_was_deleted_are_none(uploads: Uploads, cloud: Cloud) -> None:
    event = uploaded(cloud, b"photo")
    cloud.s3.delete_object(Bucket="images", Key=KEY)
    assert uploads.read_image("images", KEY, max_bytes=9) is None
    assert uploads.read_image("images", KEY, event.version_id, max_bytes=9) == b"photo"
    cloud.s3.delete_object(Bucket="images", Key=KEY, VersionId=event.version_id)
    assert uploads.read_image("images", KEY, event.version_id, max_bytes=9) is None
    assert uploads.read_upload(event, max_bytes=9) is None


class Refusing:
    def get_object(self, **_request: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "as AWS says it"}}, "GetObject")


def test_an_object_that_may_not_be_read_is_an_error_not_a_missing_one(cloud: Cloud) -> None:
    event, refused = uploaded(cloud, b"photo"), Uploads(GivenAws(s3=Refusing()))
    with pytest.raises(ClientError, match="AccessDenied"):
        refused.read_upload(event, max_bytes=9)
    with pytest.raises(ClientError, match="AccessDenied"):
        refused.read_image("images", KEY, max_bytes=9)


def test_what_is_set_aside_is_moved_with_the_reason(uploads: Uploads, cloud: Cloud) -> None:
    event = uploaded(cloud, b"no photo", device="line-1")
    key = uploads.quarantine(event, "a" * 64, "zu groß:\nerlaubt" + "x" * 2000)
    assert key == "quarantine/aaaaaaaaaaaaaaaa/line-1/Größe 1.jpg"
    assert (cloud.objects("images"), cloud.read(key, "images")) == ([key], b"no photo")
    reason = cloud.s3.head_object(Bucket="images", Key=key)["Metadata"]["reason"]
    assert (reason[:17], len(reason)) == ("zu gro?: erlaubtx", 1000)
    assert uploads.read_image("images", KEY, event.version_id, max_bytes=9) == b"no photo"


def test_a_newer_upload_under_the_same_key_is_left_where_it_is(uploads: Uploads, cloud: Cloud) -> None:
    event = uploaded(cloud, b"no photo")
    uploaded(cloud, b"photo")
    key = uploads.quarantine(event, "a" * 64, "damaged image")
    assert sorted(cloud.objects("images")) == sorted([KEY, key])
    assert (cloud.read(KEY, "images"), cloud.read(key, "images")) == (b"photo", b"no photo")


def test_what_was_set_aside_before_is_set_aside_again_without_harm(uploads: Uploads, cloud: Cloud) -> None:
    event = uploaded(cloud, b"no photo")
    keys = [uploads.quarantine(event, "a" * 64, "damaged image") for _ in range(2)]
    assert cloud.objects("images") == [keys[0]] == [keys[1]]


def test_every_upload_is_listed_over_all_pages(uploads: Uploads, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")  # keys in a page
    names = [f"incoming/{number}.jpg" for number in range(5)]
    for number, key in enumerate([*names, "quarantine/x.jpg"]):
        cloud.s3.put_object(Bucket="images", Key=key, Body=b"x" * number)
    pages = list(uploads.list_incoming("images"))
    assert [[listed.key for listed in page] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert [listed.bytes for page in pages for listed in page] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("version", [None, "v1"])
def test_an_address_reads_one_version_of_one_object_for_a_time(uploads: Uploads, version: str | None) -> None:
    query = parse_qs(urlsplit(uploads.presigned_url("images", KEY, version, 60)).query)
    assert (query["X-Amz-Expires"], query.get("versionId")) == (["60"], [version] if version else None)


def test_an_object_that_was_not_read_has_an_id_of_its_place(cloud: Cloud) -> None:
    event = uploaded(cloud, b"photo")
    ids = {
        unread_id(other) for other in (event, replace(event), replace(event, version_id=None), replace(event, key="a"))
    }
    assert (len(ids), {len(one) for one in ids}) == (3, {64})
