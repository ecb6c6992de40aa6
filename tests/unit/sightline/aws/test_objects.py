"""Objects of a bucket: read and written whole, or not at all."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sightline.aws import objects
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from tests.given_aws import GivenAws


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with mock_aws():
        for bucket in ("artifacts", "images"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        yield ObjectStore(Aws(), "artifacts")


@pytest.mark.parametrize("key", ["a.json", "a b/Größe+1.jpg", "/a", "s3://artifacts/a", ""])
def test_a_uri_leads_back_to_its_key(key: str) -> None:
    there = ObjectStore(Aws(), "artifacts")
    assert there.key(there.uri(key)) == key


@pytest.mark.parametrize(
    "uri",
    ["s3://images/a.json", "s3://artifacts", "s3://artifacts-2/a.json", "https://artifacts/a.json", "a.json", ""],
)
def test_a_uri_outside_the_bucket_is_an_error_that_names_both(uri: str) -> None:
    with pytest.raises(ValueError, match="is not in the bucket 'artifacts'") as raised:
        ObjectStore(Aws(), "artifacts").key(uri)
    assert repr(uri) in str(raised.value)


def test_an_object_is_read_as_it_was_written(store: ObjectStore) -> None:
    assert store.write("a/b.bin", b"\x00\xff") == "s3://artifacts/a/b.bin"
    assert store.read("a/b.bin") == store.find("a/b.bin") == b"\x00\xff"


def test_a_value_is_read_as_it_was_written_and_says_that_it_is_json(store: ObjectStore) -> None:
    assert store.write_json("a.json", {"b": [1, None, "Größe"]}) == "s3://artifacts/a.json"
    assert store.read_json("a.json") == store.find_json("a.json") == {"b": [1, None, "Größe"]}
    assert boto3.client("s3").head_object(Bucket="artifacts", Key="a.json")["ContentType"] == "application/json"


def test_what_is_not_there_is_found_as_none_and_read_as_an_error(store: ObjectStore) -> None:
    assert (store.find("a"), store.find_json("a")) == (None, None)
    with pytest.raises(ClientError, match="NoSuchKey"):
        store.read("a")


def test_an_object_that_is_empty_or_null_is_told_from_a_missing_one(store: ObjectStore) -> None:
    store.write("empty", b"")
    assert store.find("empty") == b""


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "SlowDown"])
def test_an_object_that_could_not_be_asked_for_is_an_error_not_a_missing_one(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        ObjectStore(GivenAws(s3=Refusing(code)), "artifacts").find("a")


def test_a_folder_is_read_by_the_names_of_its_files(store: ObjectStore) -> None:
    store.write("release/model.json", b"{}")
    for uri in ("s3://artifacts/release", "s3://artifacts/release/"):
        assert store.folder(uri)("model.json") == b"{}"
    with pytest.raises(ValueError, match="is not in the bucket"):
        store.folder("s3://images/release/")


def test_keys_are_listed_in_order_over_all_pages(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")  # keys in a page
    keys = [f"a/{number:02}" for number in range(10)]
    for key in reversed([*keys, "b/1"]):
        store.aws.s3.put_object(Bucket="artifacts", Key=key)
    assert store.keys("a/") == keys
    assert store.keys("c/") == []


@pytest.mark.parametrize("lines", [[], [{"a": 1}], [{"a": "one\ntwo"}, None, [], "Größe\u2028"]])
def test_lines_are_read_as_they_were_written(store: ObjectStore, lines: list[Any]) -> None:
    assert store.write_lines("a.jsonl", iter(lines)) == "s3://artifacts/a.jsonl"
    assert store.read_lines("a.jsonl") == list(store.each_line("a.jsonl")) == lines


def test_lines_that_are_longer_than_a_chunk_or_empty_are_read_too(store: ObjectStore) -> None:
    long = "x" * (objects.CHUNK + 1)
    store.write("a.jsonl", f'{{"a": 1}}\n\n"{long}"\r\n   \n2'.encode())
    assert store.read_lines("a.jsonl") == list(store.each_line("a.jsonl")) == [{"a": 1}, long, 2]


def test_lines_that_are_too_many_for_the_memory_are_written_too(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "SPOOL", 100)
    store.write_lines("a.jsonl", range(1000))
    assert store.read_lines("a.jsonl") == list(range(1000))


@pytest.mark.parametrize("before", [None, b'"what was there"\n'])
def test_a_file_whose_writing_failed_is_not_there_or_as_it_was(store: ObjectStore, before: bytes | None) -> None:
    if before is not None:
        store.write("a.jsonl", before)
    with pytest.raises(RuntimeError, match="no more labels"), store.line_writer("a.jsonl") as write:
        write({"n": 1})
        raise RuntimeError("no more labels")
    assert store.find("a.jsonl") == before


def test_a_value_that_is_no_json_leaves_nothing_behind(store: ObjectStore) -> None:
    with pytest.raises(TypeError):
        store.write_lines("a.jsonl", [{"n": 1}, {"n": object()}])
    assert store.keys("") == []


def test_an_object_is_copied_from_another_bucket(store: ObjectStore) -> None:
    boto3.client("s3").put_object(Bucket="images", Key="incoming/a b+ä.jpg", Body=b"photo")
    assert store.copy_from("images", "incoming/a b+ä.jpg", "copy.jpg") == "s3://artifacts/copy.jpg"
    assert store.read("copy.jpg") == b"photo"


def test_one_version_of_an_object_is_copied(store: ObjectStore) -> None:
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket="images", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="images", Key="a", Body=b"first")["VersionId"]
    s3.put_object(Bucket="images", Key="a", Body=b"second")
    store.copy_from("images", "a", "copy", first)
    assert store.read("copy") == b"first"
    s3.delete_object(Bucket="images", Key="a", VersionId=first)
    assert store.copy_from("images", "a", "again", first) is None
    assert store.keys("") == ["copy"]


def test_a_copy_of_an_object_that_is_gone_is_none_and_leaves_nothing(store: ObjectStore) -> None:
    assert store.copy_from("images", "gone", "copy") is None
    assert store.find("copy") is None


class Refusing:
    """An S3 that refuses what it is asked."""

    def __init__(self, code: str) -> None:
        self.code = code

    def get_object(self, **_request: Any) -> None:
        raise ClientError({"Error": {"Code": self.code, "Message": "as AWS says it"}}, "GetObject")

    def copy_object(self, **_request: Any) -> None:
        raise ClientError({"Error": {"Code": self.code, "Message": "as AWS says it"}}, "CopyObject")


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "404"])
def test_a_source_that_is_gone_is_known_by_every_name_that_s3_has_for_it(code: str) -> None:
    assert ObjectStore(GivenAws(s3=Refusing(code)), "bucket").copy_from("other", "key", "to", "version") is None


def test_a_copy_without_the_right_to_it_is_an_error() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        ObjectStore(GivenAws(s3=Refusing("AccessDenied")), "bucket").copy_from("other", "key", "to")
