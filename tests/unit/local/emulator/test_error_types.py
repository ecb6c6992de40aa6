"""Errors of functions have the names of their classes."""

import traceback

import pytest

from local.emulator.error_types import name_of
from sightline.models.evaluation import InvalidMetricError


def raised(error: Exception, cause: Exception | None = None) -> str:
    try:
        raise error from cause  # noqa: TRY301
    except Exception:
        return "cold start\n" + traceback.format_exc()


@pytest.mark.parametrize(
    ("log", "name"),
    [
        (raised(InvalidMetricError("mAP is 2\nTry: again")), "InvalidMetricError"),
        (raised(KeyError("map")), "KeyError"),
        (raised(ValueError()), "ValueError"),
        (raised(InvalidMetricError("no number"), ValueError("abc")), "InvalidMetricError"),
        ("the process died", ""),
        ("", ""),
    ],
)
def test_the_name_is_that_of_the_exception_that_left_the_function(log: str, name: str) -> None:
    assert name_of(log) == name
