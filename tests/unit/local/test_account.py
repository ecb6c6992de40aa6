"""The keys of the local stack: new at each start, nobody else's to read, and a configuration of AWS' own tools."""

from pathlib import Path

import boto3
import pytest

from local import account
from sightline.errors import SightlineError


def test_each_start_has_keys_of_its_own(tmp_path: Path) -> None:
    first = account.write_credentials(tmp_path, 4566)
    assert account.read_credentials(tmp_path) == first
    second = account.write_credentials(tmp_path, 4566)
    assert account.read_credentials(tmp_path) == second
    assert {*first.values()} & {*second.values()} == {account.REGION}


def test_nobody_else_may_read_them_even_where_the_file_was_open(tmp_path: Path) -> None:
    file = tmp_path / account.KEYS_FILE
    file.touch(0o666)
    account.write_credentials(tmp_path, 4566)
    assert file.stat().st_mode & 0o777 == 0o600


def test_tools_of_aws_find_keys_and_address_in_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = account.write_credentials(tmp_path, 4567)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / account.KEYS_FILE))
    session = boto3.Session(profile_name=account.PROFILE)
    found = session.get_credentials()
    assert found
    assert (found.access_key, found.secret_key) == (made["aws_access_key_id"], made["aws_secret_access_key"])
    assert session.client("s3").meta.endpoint_url == "http://127.0.0.1:4567"


def test_a_folder_without_keys_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match="has no keys; start the stack anew: sightline down, sightline up"):
        account.read_credentials(tmp_path)
