"""What a device said last of each model: reports come twice, late and in any order."""

from collections.abc import Iterator
from itertools import permutations

import boto3
import pytest
from moto import mock_aws

from sightline.aws.clients import Aws
from sightline.rollout.reports import LastWord, ModelReport, Reports
from tests.fake_account import DEPLOYMENTS_TABLE

FIRST = ModelReport(healthy=False, reason="golden/1.png: score 0.1", at="2026-11-20T09:00:00+00:00")
SECOND = ModelReport(healthy=True, reason="", at="2026-11-20T09:00:01+00:00")


@pytest.fixture
def reports() -> Iterator[Reports]:
    with mock_aws():
        boto3.client("dynamodb").create_table(**DEPLOYMENTS_TABLE)
        yield Reports(Aws(), "deployments")


def test_a_device_that_never_reported_said_nothing(reports: Reports) -> None:
    assert reports.of("line-1") == {}


@pytest.mark.parametrize("order", list(permutations([FIRST, SECOND, SECOND, FIRST])))
def test_the_newest_report_stays_in_whatever_order_they_come(reports: Reports, order: tuple[ModelReport, ...]) -> None:
    for report in order:
        reports.remember("line-1", "1.0.3", report)
    assert reports.of("line-1") == {"1.0.3": SECOND}


def test_each_device_and_each_model_has_a_report_of_its_own(reports: Reports) -> None:
    reports.remember("line-1", "1.0.3", FIRST)
    reports.remember("line-1", "1.0.4", SECOND)
    reports.remember("line 2.west", "1.0.3", SECOND)
    assert reports.of("line-1") == {"1.0.3": FIRST, "1.0.4": SECOND}
    assert reports.of("line 2.west") == {"1.0.3": SECOND}


def test_the_last_word_of_a_device_is_the_newest_of_all_models(reports: Reports) -> None:
    assert reports.last("line-1") is None
    reports.remember("line-1", "1.0.4", ModelReport(True, "", "2026-11-20T09:00:00Z"))
    assert reports.last("line-1") == LastWord("1.0.4", True)
    reports.remember("line-1", "1.0.3", ModelReport(False, "golden/0.jpg", "2026-11-20T10:00:00Z"))
    assert reports.last("line-1") == LastWord("1.0.3", False)
