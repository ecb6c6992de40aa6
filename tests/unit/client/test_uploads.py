"""A folder is uploaded with those in it, and what stays is named."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from client import pipeline, sweeping, uploads
from client.target import Target
from sightline.errors import SightlineError
from tests.command import run
from tests.given_aws import GivenAws

PHOTOS = ["t1.jpg", "line 1/t1.jpg", "line 1/deep/Größe.JPG", "line 2/t1.png", "readme"]
OTHERS = ["labels.json", "line 1/notes.TXT", ".hidden.jpg", "line 1/._t1.jpg", ".cache/t9.jpg", "__MACOSX/t9.jpg",
          "data.yaml", "a.xml"]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in [*PHOTOS, *OTHERS]:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("pixels")
    (tmp_path / "photos" / "line 2" / "empty.jpg").touch()
    (tmp_path / "photos" / "line 2" / "a\x1bb.jpg").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "t9.jpg").write_text("pixels")
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "round").symlink_to(tmp_path / "photos")
    (tmp_path / "photos" / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    return tmp_path / "photos"


LEFT_OUT = {
    "hidden folders": [".cache/", "__MACOSX/"],
    "links to folders": ["link/", "round/"],
    "hidden files": [".hidden.jpg", "line 1/._t1.jpg"],
    "labels and texts": ["a.xml", "data.yaml", "labels.json", "line 1/notes.TXT"],
    "no files": ["broken.jpg"],
    "empty files": ["'line 2/a\\x1bb.jpg'", "line 2/empty.jpg"],
}


def test_a_folder_is_looked_through_to_its_ends_and_what_stays_is_named(folder: Path) -> None:
    found = uploads.look(folder)
    assert sorted(found.names) == sorted(PHOTOS)
    assert found.left_out.refused == LEFT_OUT


def test_each_photo_is_called_after_its_path_and_the_command_says_what_stays(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    s3 = SimpleNamespace(upload_file=lambda _path, _bucket, key: sent.append(key))
    target = SimpleNamespace(outputs={"ImagesBucketName": "images"}, aws=GivenAws(s3=s3))
    asked: list[str] = []
    monkeypatch.setattr(Target, "find", lambda *_: target)
    monkeypatch.setattr(sweeping, "await_events", lambda _, names, _room: asked.extend(names) or "arrived")  # type: ignore[func-returns-value]
    code, _, said = run(capsys, monkeypatch, "upload", str(folder))
    assert (code, sorted(sent)) == (0, sorted(f"incoming/{name}" for name in PHOTOS))
    assert sorted(asked) == sorted(PHOTOS)
    assert "left out: labels and texts (4×): a.xml, data.yaml, labels.json, and 1 more" in said
    assert "5 files uploaded." in said
    out = json.loads(run(capsys, monkeypatch, "upload", str(folder), "--json")[1])
    assert out == {"uploaded": 5, "left_out": LEFT_OUT, "events": "arrived"}


def test_a_path_that_is_no_key_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    target: Any = SimpleNamespace(outputs={}, aws=GivenAws())  # would fail on any use
    deep = tmp_path / "/".join(["a" * 200] * 6) / "t.jpg"
    with pytest.raises(SightlineError, match="is longer than S3 allows for a name"):
        pipeline.upload(target, [deep], below=tmp_path)
    with pytest.raises(SightlineError, match="is no name for an object in S3"):
        pipeline.upload(target, [tmp_path / "a\nb" / "t.jpg"], below=tmp_path)
