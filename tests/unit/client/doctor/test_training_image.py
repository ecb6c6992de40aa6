"""A training image that nobody builds: right after a deployment it is on its way, later it is a fault."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from client.doctor import training_image
from client.doctor.deployed import Deployed
from client.doctor.findings import Verdict
from client.target import Outputs, Place


@pytest.mark.parametrize(
    ("age", "verdict"), [(timedelta(seconds=5), Verdict.NOTE), (timedelta(hours=1), Verdict.WRONG)]
)
def test_a_build_has_minutes_to_begin(age: timedelta, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deployed, "id_of", lambda *_: "builds")
    monkeypatch.setattr(Deployed, "aws", None)
    monkeypatch.setattr(training_image, "TrainingImages", lambda *_: SimpleNamespace(newest_build=lambda: None))
    outputs = Outputs("sightline", {"TrainingImageRepositoryUri": "repository"})
    place, changed = Place("sightline", None), datetime.now(UTC) - age
    stack = Deployed(place, "sightline", "", "UPDATE_COMPLETE", "", {}, outputs, changed)
    [found] = training_image.training_image(stack)
    assert found.verdict == verdict
