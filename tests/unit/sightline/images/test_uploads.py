"""Uploaded objects: the version of the event, under limits, or set aside with the reason."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.images.places import ObjectVersion, Place
from sightline.images.uploads import Uploads, unread_id
from tests.fake_cloud import Cloud, cloud
from tests.given_aws import GivenAws

__all__ = ["cloud"]  # a fixture

KEY = "incoming/line-1/Größe 1.jpg"


def uploaded(cloud: Cloud, body: bytes, **metadata: str) -> Place:
    answer = cloud.s3.put_object(Bucket="images", Key=KEY, Body=body, Metadata=metadata)
    return Place("images", KEY).taken(ObjectVersion.of(answer), "a" * 64, "refused")


def read(uploads: Uploads, max_bytes: int = 9) -> tuple[Any, ...] | None:
    found = uploads.read_upload("images", KEY, max_bytes=max_bytes)
    return (found.body, found.metadata, found.bytes, found.version) if found else None


@pytest.fixture
def uploads(cloud: Cloud) -> Uploads:
    return Uploads(Aws())


def version(place: Place) -> ObjectVersion:
    return ObjectVersion(place.version_id, place.etag)


def test_what_lies_at_a_key_now_is_read(uploads: Uploads, cloud: Cloud) -> None:
    first = uploaded(cloud, b"first", device="line-1")
    assert read(uploads) == (b"first", {"device": "line-1"}, 5, version(first))
    second = uploaded(cloud, b"second")
    assert read(uploads) == (b"second", {}, 6, version(second))
    assert uploads.newest("images", KEY) == version(second)
    assert uploads.read_image("images", KEY, first.version_id, max_bytes=9) == b"first"
    assert uploads.read_image("images", KEY, max_bytes=9) == b"second"


@pytest.mark.parametrize(("max_bytes", "body"), [(5, b"photo"), (4, None), (0, None)])
def test_an_object_larger_than_the_limit_is_told_but_not_read(
    uploads: Uploads, cloud: Cloud, max_bytes: int, body: bytes | None
) -> None:
    place = uploaded(cloud, b"photo")
    assert read(uploads, max_bytes) == (body, {}, 5, version(place))
    assert uploads.read_image("images", KEY, max_bytes=max_bytes) == body


def test_a_version_that_was_erased_and_an_object_that_was_deleted_are_none(uploads: Uploads, cloud: Cloud) -> None:
    event = uploaded(cloud, b"photo")
    cloud.s3.delete_object(Bucket="images", Key=KEY)
    assert (read(uploads), uploads.newest("images", KEY)) == (None, None)
    assert uploads.read_image("images", KEY, max_bytes=9) is None
    assert uploads.read_image("images", KEY, event.version_id, max_bytes=9) == b"photo"
    cloud.s3.delete_object(Bucket="images", Key=KEY, VersionId=event.version_id)
    assert uploads.read_image("images", KEY, event.version_id, max_bytes=9) is None
    assert (read(uploads), uploads.newest("images", KEY)) == (None, None)


class Refusing:
    def get_object(self, **_request: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "as AWS says it"}}, "GetObject")

    head_object = get_object


def test_an_object_that_may_not_be_read_is_an_error_not_a_missing_one(cloud: Cloud) -> None:
    refused = Uploads(GivenAws(s3=Refusing()))
    with pytest.raises(ClientError, match="AccessDenied"):
        refused.read_upload("images", KEY, max_bytes=9)
    with pytest.raises(ClientError, match="AccessDenied"):
        refused.newest("images", KEY)
    with pytest.raises(ClientError, match="AccessDenied"):
        refused.read_image("images", KEY, max_bytes=9)


def test_what_is_set_aside_is_moved_with_the_reason(uploads: Uploads, cloud: Cloud) -> None:
    event = uploaded(cloud, b"no photo", device="line-1")
    key = uploads.quarantine(event, "zu groß:\nerlaubt" + "x" * 2000)
    assert key == "quarantine/aaaaaaaaaaaaaaaa/line-1/Größe 1.jpg"
    assert (cloud.objects("images"), cloud.read(key, "images")) == ([key], b"no photo")
    reason = cloud.s3.head_object(Bucket="images", Key=key)["Metadata"]["reason"]
    assert (reason[:17], len(reason)) == ("zu gro?: erlaubtx", 1000)
    assert uploads.read_image("images", KEY, event.version_id, max_bytes=9) == b"no photo"


def test_a_newer_upload_under_the_same_key_is_left_where_it_is(uploads: Uploads, cloud: Cloud) -> None:
    event = uploaded(cloud, b"no photo")
    uploaded(cloud, b"photo")
    key = uploads.quarantine(event, "damaged image")
    assert sorted(cloud.objects("images")) == sorted([KEY, key])
    assert (cloud.read(KEY, "images"), cloud.read(key, "images")) == (b"photo", b"no photo")


def test_what_was_set_aside_before_is_set_aside_again_without_harm(uploads: Uploads, cloud: Cloud) -> None:
    event = uploaded(cloud, b"no photo")
    keys = [uploads.quarantine(event, "damaged image") for _ in range(2)]
    assert cloud.objects("images") == [keys[0]] == [keys[1]]


@pytest.mark.parametrize("named", [None, "v1"])
def test_an_address_reads_one_version_of_one_object_for_a_time(uploads: Uploads, named: str | None) -> None:
    query = parse_qs(urlsplit(uploads.presigned_url("images", KEY, named, 60)).query)
    assert (query["X-Amz-Expires"], query.get("versionId")) == (["60"], [named] if named else None)


def test_an_object_that_was_not_read_has_an_id_of_its_place() -> None:
    one = ObjectVersion("v1", "e1")
    ids = {
        unread_id("images", KEY, one),
        unread_id("images", KEY, ObjectVersion("v1", "e2")),
        unread_id("images", KEY, ObjectVersion("", "e1")),
        unread_id("images", "a", one),
    }
    assert (len(ids), {len(one) for one in ids}) == (3, {64})
