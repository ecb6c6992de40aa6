"""Uploads without events: the sweep is asked for them, and only for them."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from client import pipeline, sweeping
from client.sweeping import Arrival, Sweep
from client.target import Target
from sightline.errors import SightlineError
from tests.given_aws import GivenAws


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Account:
    """A stack whose ledger knows some names, and a bucket that still has others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, known: set[str], lying: set[str]) -> None:
        self.asked: list[dict[str, Any]] = []
        self.refused: ClientError | None = None
        self.looked: list[str] = []

        def at(_bucket: str, key: str) -> str | None:
            self.looked.append(key)
            return "its place" if key.removeprefix("incoming/") in known else None

        def head_object(**asked: str) -> None:
            if asked["Key"].removeprefix("incoming/") not in lying:
                raise refusal("404", "HeadObject")

        def invoke(**asked: Any) -> None:
            self.asked.append(asked)
            if self.refused:
                raise self.refused

        monkeypatch.setattr(pipeline, "ledger", lambda _: SimpleNamespace(places=SimpleNamespace(at=at)))
        monkeypatch.setattr(sweeping, "PAUSE_SECONDS", 0.01)
        outputs = {"ImagesBucketName": "images", "ImagesTableName": "images", "SweepImagesName": "sweep"}
        self.target = Target(outputs, None)
        services = {"s3": SimpleNamespace(head_object=head_object), "lambda": SimpleNamespace(invoke=invoke)}
        self.target.__dict__["aws"] = GivenAws(**services)


def test_the_sweep_is_not_asked_when_the_events_come(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(monkeypatch, known={"a.jpg", "b.jpg"}, lying={"a.jpg", "b.jpg"})
    assert sweeping.await_events(account.target, ["a.jpg", "b.jpg"]) == Arrival.ARRIVED
    assert account.asked == []


def test_what_was_set_aside_as_no_image_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(monkeypatch, known=set(), lying=set())
    assert sweeping.await_events(account.target, ["notes.pdf"]) == Arrival.ARRIVED


def test_the_sweep_is_asked_when_one_event_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(monkeypatch, known={"b.jpg"}, lying={"a.jpg", "b.jpg"})
    assert sweeping.await_events(account.target, ["a.jpg", "b.jpg"], seconds=0.05) == Arrival.SWEEP_ASKED
    assert [(asked["FunctionName"], asked["InvocationType"]) for asked in account.asked] == [("sweep", "Event")]


def test_of_many_uploads_the_first_and_the_last_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded = [f"{number:04}.jpg" for number in range(1000)]
    account = Account(monkeypatch, known=set(uploaded), lying=set(uploaded))
    sweeping.await_events(account.target, uploaded)
    assert sorted(account.looked) == [f"incoming/{name}" for name in (*uploaded[:5], *uploaded[-5:])]


def test_who_may_not_ask_the_sweep_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(monkeypatch, known=set(), lying={"a.jpg"})
    account.refused = refusal("AccessDeniedException", "Invoke")
    assert sweeping.await_events(account.target, ["a.jpg"], seconds=0) == Arrival.NOT_ALLOWED


def test_another_fault_of_the_sweep_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(monkeypatch, known=set(), lying={"a.jpg"})
    account.refused = refusal("ResourceNotFoundException", "Invoke")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sweeping.ask(account.target)


def answering(*answers: str, failed: bool = False) -> tuple[Target, list[Any]]:
    """A stack whose sweep gives these answers, and what it was asked."""
    asked: list[Any] = []
    given = iter(answers)

    def invoke(**request: Any) -> dict[str, Any]:
        asked.append(json.loads(request["Payload"]))
        error = {"FunctionError": "Unhandled"} if failed else {}
        return {"Payload": io.BytesIO(next(given).encode()), **error}

    target = Target({"SweepImagesName": "sweep"}, None)
    target.__dict__["aws"] = GivenAws(**{"lambda": SimpleNamespace(invoke=invoke)})
    return target, asked


def test_a_sweep_goes_on_until_it_has_ended() -> None:
    told: list[Sweep] = []
    first, last = '{"compared": 5, "queued": 1, "ended": false}', '{"compared": 9, "queued": 2, "ended": true}'
    target, asked = answering(first, last)
    assert sweeping.sweep(target, told.append) == Sweep(9, 2, True)
    assert told == [Sweep(5, 1, False)]
    assert asked == [{"begin": True, "seconds": 30}, {"seconds": 30}]


def test_a_sweep_that_fails_is_one_line() -> None:
    target, _ = answering('{"errorMessage": "AccessDenied"}', failed=True)
    with pytest.raises(SightlineError, match=r"the sweep failed: .*AccessDenied"):
        sweeping.sweep(target)
