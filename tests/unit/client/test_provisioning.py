"""Provisioning apart from AWS: waiting for what AWS IoT does in the background, and the root certificate."""

import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from client import device_folder, provisioning
from client.device_folder import DeviceFolder, FolderError, Kept, amazon_root_certificate


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "Things must be detached before deletion"}}, "Delete")


@pytest.mark.parametrize("code", ["DeleteConflictException", "InvalidRequestException"])
def test_deleting_waits_until_aws_iot_has_detached(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    answers: list[ClientError | None] = [refused(code), refused(code), None]
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)

    def delete() -> None:
        if answer := answers.pop(0):
            raise answer

    provisioning._when_detached(delete)
    assert (answers, waited) == ([], [1, 1])


def test_another_error_and_one_that_does_not_end_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr("time.sleep", lambda _: None)
    tries = 0

    def delete() -> None:
        nonlocal tries
        tries += 1
        raise refused("DeleteConflictException" if tries < 100 else "x")

    with pytest.raises(ClientError, match="DeleteConflictException"):
        provisioning._when_detached(delete)
    assert tries > 1
    tries = 100
    with pytest.raises(ClientError, match=r"\(x\)"):
        provisioning._when_detached(delete)


def test_the_root_certificate_is_amazons_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    der = ssl.PEM_cert_to_DER_cert(amazon_root_certificate())
    assert hashlib.sha256(der).hexdigest() == device_folder.AMAZON_ROOT_1
    assert b"Amazon Root CA 1" in der
    monkeypatch.setattr(device_folder, "AMAZON_ROOT_1", "0" * 64)
    with pytest.raises(FolderError, match="have no Amazon Root CA 1; install another version of botocore"):
        amazon_root_certificate()


def test_a_folder_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "device.json").write_text("[1]")
    with pytest.raises(FolderError, match=r"device\.json can't be read: .*; name another folder with --folder"):
        DeviceFolder.read(tmp_path)


def test_the_folder_keeps_what_is_not_its_own(tmp_path: Path) -> None:
    folder = DeviceFolder.open(tmp_path / "line-3", "line-3", "line")
    (folder.path / "notes.txt").write_text("at the second camera")
    folder.signing_request()
    folder.remove()
    assert [file.name for file in folder.path.iterdir()] == ["notes.txt"]
    assert DeviceFolder.read(folder.path) is None


def test_git_does_not_take_the_folder_into_a_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    DeviceFolder.open(tmp_path / "line-3", "line-3", "line").signing_request()
    listed = ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(listed, capture_output=True, text=True, check=True).stdout == ""


def test_the_key_is_made_once_and_the_request_names_the_thing(tmp_path: Path) -> None:
    from cryptography import x509

    folder = DeviceFolder.open(tmp_path / "line-3", "line-3", "line")
    first, second = (x509.load_pem_x509_csr(folder.signing_request().encode()) for _ in range(2))
    assert first.public_key() == second.public_key()
    assert first.subject.rfc4514_string() == "CN=line-3"
    assert (folder.path / "private.pem.key").stat().st_mode & 0o777 == 0o600
    assert (folder.path / "private.pem.key").read_text().startswith("-----BEGIN RSA " + "PRIVATE KEY-----")
    assert folder.kept == Kept("line-3", "line", folder.kept.made_at)
