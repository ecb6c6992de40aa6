"""`up` takes parameters of the template, `down` asks where data would be lost."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from client import models, pipeline, users
from client.target import Target
from local import stack
from sightline.images.image import ImageStatus
from tests.command import run


@pytest.fixture
def up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A local stack that starts at once: `given` is what it was started with, `error` what goes wrong."""
    made = SimpleNamespace(given=[], error=None, home=tmp_path)

    def start(_: object, overrides: dict[str, str], *, root: Path) -> stack.Stack:
        made.given.append(overrides)
        if made.error:
            raise made.error
        return stack.Stack("http://127.0.0.1:4566", 1, {}, root)

    monkeypatch.setattr(stack, "up", start)
    monkeypatch.setattr(users, "local_user", lambda *_: ({"username": "eve", "password": "x"}, False))
    monkeypatch.setattr(Target, "find", lambda *_: SimpleNamespace(api_url="http://page", outputs={}))
    return made


def test_parameters_are_kept_for_the_next_start(
    up: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ("--home", str(up.home))
    code, _, err = run(capsys, monkeypatch, *home, "up", "--parameter", "Classes=dent,crack", "--json")
    assert (code, "Parameters: Classes=dent,crack" in err) == (0, True)
    assert run(capsys, monkeypatch, *home, "up")[0] == 0
    assert run(capsys, monkeypatch, *home, "up", "--parameter", "Classes=scratch")[0] == 0
    assert up.given == [{"Classes": "dent,crack"}, {"Classes": "dent,crack"}, {}]


def test_what_the_stack_could_not_be_started_with_is_not_kept(
    up: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    up.error = stack.StackError("`sam deploy` failed")
    home = ("--home", str(up.home))
    assert run(capsys, monkeypatch, *home, "up", "--parameter", "MinNewLabels=9")[0] == 1
    up.error = None
    run(capsys, monkeypatch, *home, "up")
    assert up.given[-1] == {}
    code, _, err = run(capsys, monkeypatch, *home, "up", "--parameter", "MinNewLabel=9")
    assert (code, "did you mean MinNewLabels?" in err, len(up.given)) == (1, True, 2)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> dict[ImageStatus, int]:
    """The images of a running stack by status; it has two models."""
    counts = dict.fromkeys(ImageStatus, 0)
    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))
    monkeypatch.setattr(stack, "is_running", lambda _: True)
    monkeypatch.setattr(stack, "is_kept", lambda _: False)
    monkeypatch.setattr(stack, "down", lambda _, keep=False: True)
    monkeypatch.setattr(pipeline, "ledger", lambda _: SimpleNamespace(counts=lambda: counts))
    monkeypatch.setattr(models, "listed", lambda _: [{}, {}] if sum(counts.values()) else [])
    return counts


@pytest.mark.parametrize(
    ("answer", "options", "code"), [("n\n", [], 130), ("y\n", [], 0), ("", [], 1), ("", ["--yes"], 0)]
)
def test_down_asks_before_data_is_lost(
    answer: str,
    options: list[str],
    code: int,
    held: dict[ImageStatus, int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held |= {ImageStatus.NEW: 5, ImageStatus.APPROVED: 7, ImageStatus.REMOVED: 3}
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    monkeypatch.setattr("cli.screen.is_terminal", lambda: bool(answer))
    ended, _, err = run(capsys, monkeypatch, "down", *options)
    assert (ended, "Stopped." in err) == (code, code == 0)
    asked = "The stack holds 12 images, 7 labelled, 2 models, which are deleted; --keep keeps them. Stop it? [y/N]"
    assert (asked in err) == (options == [])


def test_down_does_not_ask_for_a_stack_without_data_or_one_that_does_not_answer(
    held: dict[ImageStatus, int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, monkeypatch, "down") == (0, "", "Stopped.\n")

    def broken(_: Target) -> None:
        raise stack.StackError("the local stack is not deployed")

    monkeypatch.setattr(pipeline, "ledger", broken)
    assert run(capsys, monkeypatch, "down") == (0, "", "Stopped.\n")


def test_down_keeps_what_a_stack_holds_and_asks_before_that_is_deleted(
    held: dict[ImageStatus, int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held |= {ImageStatus.NEW: 5}
    assert run(capsys, monkeypatch, "down", "--keep") == (
        0, "", "Stopped. `sightline up` goes on with what it holds.\n",
    )  # fmt: skip
    monkeypatch.setattr(stack, "is_running", lambda _: False)
    monkeypatch.setattr(stack, "is_kept", lambda _: True)
    monkeypatch.setattr("cli.screen.is_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, _, err = run(capsys, monkeypatch, "down")
    assert (code, "What a stack held is kept in .sightline. Delete it?" in err) == (130, True)
