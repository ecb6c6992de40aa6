"""Folders: each whole file once, in order, over restarts, and nothing that the folder does not hold any more is
kept.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.inspector.folder import WHOLE_SECONDS, FolderSource, user
from edge.inspector.outbox import Outbox
from edge.inspector.source import Frame, moment


class Folder:
    """A folder that a camera program writes to, and the inspector's view of it with a clock of its own."""

    def __init__(self, root: Path, *, delete: bool = False) -> None:
        self.path, self.now, self.delete = root / "images", 0.0, delete
        self.outbox = Outbox(root / "box")
        self.restart()

    def restart(self) -> None:
        self.source = FolderSource(self.path, self.outbox, delete=self.delete, clock=lambda: self.now)

    def write(self, name: str, body: bytes = b"image", at: float | None = None) -> None:
        (self.path / name).write_bytes(body)
        if at is not None:
            os.utime(self.path / name, (at, at))

    def look(self, seconds: float = 0.2) -> list[str]:
        """The names that are ready now, each inspected; time goes on before."""
        self.now += seconds
        names = []
        while frame := self.source.next():
            self.inspect(frame)
            names.append(frame.name)
        return names

    def inspect(self, frame: Frame) -> None:
        self.outbox.add(marks=frame.marks)
        self.source.done(frame)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    assert made.look() == []
    return made


def test_images_come_oldest_first_each_once_and_nothing_else_comes(folder: Folder) -> None:
    folder.write("b.jpg", at=100)
    folder.write("a.PNG", at=200)
    folder.write("notes.txt")
    (folder.path / "folder.jpg").mkdir()
    (folder.path / "link.jpg").symlink_to("/etc/passwd")
    assert folder.look() == []  # seen for the first time: it may still be written
    assert folder.look() == ["b.jpg", "a.PNG"]
    assert folder.look() == []


def test_a_file_that_is_still_growing_waits(folder: Folder) -> None:
    folder.write("a.jpg", b"1")
    assert folder.look() == []
    folder.write("a.jpg", b"12")
    assert folder.look() == []
    assert folder.look(0.05) == []
    assert folder.look() == ["a.jpg"]


def test_a_restart_inspects_nothing_again_but_what_has_no_verdict(folder: Folder) -> None:
    for name in ("a.jpg", "b.jpg"):
        folder.write(name)
    folder.look()
    folder.now += 1
    assert folder.source.next() is not None  # killed before its verdict was kept
    folder.restart()
    assert folder.look() == []
    assert folder.look() == ["a.jpg", "b.jpg"]
    folder.restart()
    assert [folder.look(), folder.look()] == [[], []]


def test_a_file_that_is_written_anew_is_a_new_image(folder: Folder) -> None:
    folder.write("a.jpg", at=100)
    folder.look()
    assert folder.look() == ["a.jpg"]
    folder.write("a.jpg", b"another", at=200)
    folder.look(10)
    assert folder.look() == ["a.jpg"]


def test_a_file_that_comes_while_the_folder_seems_unchanged_is_found(folder: Folder) -> None:
    folder.write("a.jpg")
    folder.look()
    folder.look()
    before = folder.path.stat()
    folder.write("b.jpg")
    os.utime(folder.path, ns=(before.st_atime_ns, before.st_mtime_ns))  # a file system with a coarse clock
    folder.look(10)
    assert folder.look() == ["b.jpg"]


def test_marks_of_files_that_are_gone_are_forgotten(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.inspector.folder.FORGET_EVERY", 3)
    for number in range(9):
        folder.write(f"{number}.jpg", at=number + 1)
        folder.look()
        assert folder.look() == [f"{number}.jpg"]
        (folder.path / f"{number}.jpg").unlink()
    assert len(folder.outbox.marks()) <= 3
    folder.restart()
    folder.look()
    assert folder.outbox.marks() == {}


def test_inspected_images_are_deleted_where_that_is_set_also_after_a_crash(tmp_path: Path) -> None:
    folder = Folder(tmp_path, delete=True)
    folder.look()
    for name in ("a.jpg", "b.jpg"):
        folder.write(name)
    folder.look()
    folder.now += 1
    frame = folder.source.next()
    assert frame
    folder.outbox.add(marks=frame.marks)  # killed before it was deleted
    folder.restart()
    assert folder.look() == []
    assert not (folder.path / "a.jpg").exists()
    assert folder.look() == ["b.jpg"]
    assert list(folder.path.iterdir()) == []


def test_a_file_that_is_gone_before_it_is_read_is_no_trouble(folder: Folder) -> None:
    folder.write("a.jpg", at=1)
    folder.write("b.jpg", at=2)
    folder.look()
    folder.now += 1
    frame = folder.source.next()
    assert frame
    (folder.path / "b.jpg").unlink()
    assert folder.source.next() is None
    assert folder.source.trouble == ""


def test_a_folder_that_can_not_be_read_is_said_and_comes_back(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.path.write_text("a file where the folder should be")
    assert folder.look() == []
    assert "can't be read" in folder.source.trouble
    folder.path.unlink()
    folder.look()
    assert folder.source.trouble == ""


def test_a_name_that_is_not_utf_8_is_inspected_under_an_escaped_one(tmp_path: Path) -> None:
    folder = Folder(tmp_path, delete=True)
    folder.look()
    (folder.path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"image")
    folder.look()
    assert folder.look() == ["caf\\xe9.jpg"]
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1970-01-01T00:00:00+00:00"), (1e12, "9999-12-31"), (-1e12, "0001-01-01"), (1e300, "9999")],
)
def test_no_time_of_a_file_is_too_much(seconds: float, said: str) -> None:
    assert moment(seconds).startswith(said)


def test_a_damaged_file_comes_again_later_and_a_changed_one_as_soon_as_it_is_whole(folder: Folder) -> None:
    for name in ("stays.jpg", "grows.jpg"):
        folder.write(name, at=100)
    folder.look()
    folder.now += 1
    while frame := folder.source.next():
        assert frame.may_grow
        folder.source.put_back(frame)
    assert folder.look() == []
    folder.write("grows.jpg", b"another", at=200)
    assert folder.look() == []
    assert folder.look() == ["grows.jpg"]
    folder.now += WHOLE_SECONDS
    again = folder.source.next()
    assert again
    assert (again.name, again.may_grow) == ("stays.jpg", False)


def test_a_file_that_is_written_anew_while_it_is_inspected_is_not_deleted_but_inspected(tmp_path: Path) -> None:
    folder = Folder(tmp_path, delete=True)
    folder.look()
    folder.write("a.jpg", b"the first", at=100)
    folder.look()
    folder.now += 1
    frame = folder.source.next()
    assert frame
    folder.write("a.jpg", b"another", at=200)
    folder.inspect(frame)
    assert (folder.path / "a.jpg").read_bytes() == b"another"
    folder.look(10)
    assert folder.look() == ["a.jpg"]
    assert list(folder.path.iterdir()) == []


def test_a_file_that_can_not_be_read_is_trouble_until_it_can_be_or_is_gone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, locked = Path.open, {"a.jpg", "b.jpg"}

    def open_(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name in locked:
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **named)

    for name in ("a.jpg", "b.jpg", "c.jpg"):
        folder.write(name)
    monkeypatch.setattr(Path, "open", open_)
    troubles = set()
    folder.look()
    assert folder.look() == ["c.jpg"]
    for _ in range(100):
        folder.look(0.1)
        troubles.add(folder.source.trouble)
    assert troubles == {"a.jpg can't be read: Permission denied"}
    locked.remove("a.jpg")
    assert folder.look(10) + folder.look() == ["a.jpg"]
    assert folder.source.trouble == "b.jpg can't be read: Permission denied"
    (folder.path / "b.jpg").unlink()
    folder.look(10)
    assert folder.source.trouble == ""


def test_a_file_that_is_gone_since_the_folder_was_listed_is_no_trouble(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        name = "gone.jpg"

        def is_file(self, *, follow_symlinks: bool) -> bool:
            return True

        def stat(self, *, follow_symlinks: bool) -> None:
            raise FileNotFoundError(2, "No such file or directory")

    scan = os.scandir

    @contextmanager
    def scandir(path: Path) -> Iterator[list[object]]:
        with scan(path) as found:
            yield [Gone(), *found]

    monkeypatch.setattr(os, "scandir", scandir)
    folder.write("a.jpg")
    folder.look()
    assert (folder.look(), folder.source.trouble) == (["a.jpg"], "")


def test_a_folder_that_goes_while_marks_are_forgotten_stops_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.inspector.folder.FORGET_EVERY", 1)
    folder.write("a.jpg")
    folder.look()
    folder.now += 1
    frame = folder.source.next()
    assert frame
    shutil.rmtree(folder.path)
    folder.inspect(frame)


def test_one_line_for_each_kind_of_file_that_is_left_alone(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("1.gif", "2.GIF", "plain", "a.jpg.part", "b.tmp"):
        folder.write(name)
    folder.look()
    folder.look(10)
    said = sorted(line.split(" is left alone")[0] for line in capsys.readouterr().err.splitlines())
    assert [name.lower()[-4:] for name in said] == [".gif", "lain"]


def test_a_folder_that_its_user_may_not_read_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)  # root may always
    assert folder.look() == []
    assert folder.source.trouble == (
        f"the folder {folder.path} can't be read: Permission denied; give it to the inspector's user: "
        f"sudo chown {user()} {folder.path}"
    )
