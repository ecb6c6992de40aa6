"""The rules of a roll-out."""

import hashlib
import json
import zipfile
from io import BytesIO
from typing import Any

import pytest

from sightline import deployment as rules
from sightline.deployment import HealthReport, Rollout

NOW = 1_800_000_000
MINE = Rollout("execution-2", "1.0.2", "2026-11-20T10:00:00Z")


def record(**changes: Any) -> dict[str, Any]:
    """The group's record: another execution rolled out an older approval and the devices are healthy."""
    return {
        "execution": "execution-1",
        "model_version": "1.0.1",
        "approved_at": "2026-11-20T09:00:00Z",
        "status": rules.HEALTHY,
        "deadline": NOW + 60,
        "things": ["line-1", "line-2"],
        "previous": {},
    } | changes


def test_each_model_package_has_its_own_component_version() -> None:
    assert [rules.component_version(version) for version in (1, 12)] == ["1.0.1", "1.0.12"]


def test_a_model_package_version_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="starts at 1, got 0"):
        rules.component_version(0)


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_a_package_that_is_not_approved_any_more_is_not_deployed(status: str) -> None:
    with pytest.raises(rules.ModelNotApprovedError, match=f"package/3 is {status}; approve it again"):
        rules.check_approved({"ModelPackageArn": "package/3", "ModelApprovalStatus": status})


def test_a_release_is_the_model_its_description_and_its_golden_images() -> None:
    described = {"golden": [{"image": "golden/1.jpg"}, {"image": "golden/0.jpg"}]}
    files = rules.release_files(json.dumps(described).encode())
    assert files == ["golden/0.jpg", "golden/1.jpg", "model.json", "model.onnx"]


@pytest.mark.parametrize(
    "name", ["../0.jpg", "golden/../../x", "/etc/passwd", "golden/", "golden/.hidden", "golden/a/b"]
)
def test_a_golden_image_outside_its_folder_is_refused(name: str) -> None:
    with pytest.raises(rules.InvalidReleaseError, match="it must be golden/<file>"):
        rules.release_files(json.dumps({"golden": [{"image": name}]}).encode())


def test_the_same_files_are_packed_to_the_same_bytes_in_any_order() -> None:
    files = {"model.onnx": b"weights", "model.json": b"{}", "golden/0.jpg": b"\xff\xd8"}
    packed = rules.pack(files)
    assert packed == rules.pack(dict(reversed(files.items())))
    # Pinned: another digest would give every device a "new" artifact for a version that may not change.
    assert hashlib.sha256(packed).hexdigest() == "a4ec87c835f7a29df9959ff01539e4e753ad05d17084d59e3b59c6db0715bdde"
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_versions_are_compared_as_numbers() -> None:
    assert rules.latest_version(["1.9.0", "1.10.0", "1.2.30"]) == "1.10.0"


def test_without_a_published_inspector_nothing_can_be_deployed() -> None:
    with pytest.raises(rules.NoInspectorError, match="publish the inspector first"):
        rules.latest_version([])


def test_the_first_deployment_brings_the_inspector_and_the_model() -> None:
    assert rules.deployed_components({}, model_version="1.0.2", inspector_version="1.3.0") == {
        "com.sightline.Inspector": {
            "componentVersion": "1.3.0",
            "configurationUpdate": {"merge": '{"modelVersion": "1.0.2"}'},
        },
        "com.sightline.Model": {"componentVersion": "1.0.2"},
    }


def test_a_deployment_keeps_other_components_and_the_settings_of_the_inspector() -> None:
    previous = {
        "aws.greengrass.Nucleus": {"componentVersion": "2.14.0"},
        "com.sightline.Inspector": {
            "componentVersion": "1.2.0",
            "configurationUpdate": {"merge": '{"modelVersion": "1.0.1", "source": "/camera"}'},
            "runWith": {"posixUser": "ggc_user"},
        },
        "com.sightline.Model": {"componentVersion": "1.0.1"},
    }
    before = json.dumps(previous)
    assert rules.deployed_components(previous, model_version="1.0.2", inspector_version="1.3.0") == {
        "aws.greengrass.Nucleus": {"componentVersion": "2.14.0"},
        "com.sightline.Inspector": {
            "componentVersion": "1.3.0",
            "configurationUpdate": {"merge": '{"modelVersion": "1.0.2", "source": "/camera"}'},
            "runWith": {"posixUser": "ggc_user"},
        },
        "com.sightline.Model": {"componentVersion": "1.0.2"},
    }
    assert json.dumps(previous) == before


def test_the_first_roll_out_of_a_group_starts() -> None:
    assert rules.may_start(MINE, None, now=NOW) == rules.START


@pytest.mark.parametrize("status", [rules.HEALTHY, rules.ROLLED_BACK])
def test_a_newer_approval_starts_when_the_last_roll_out_is_settled(status: str) -> None:
    assert rules.may_start(MINE, record(status=status), now=NOW) == rules.START


@pytest.mark.parametrize("status", [rules.WAITING, rules.UNHEALTHY, rules.ROLLING_BACK])
def test_a_newer_approval_waits_while_another_has_the_group(status: str) -> None:
    with pytest.raises(rules.RolloutInProgressError, match=f"busy with 1.0.1 \\({status}\\)"):
        rules.may_start(MINE, record(status=status), now=NOW)


@pytest.mark.parametrize("status", [rules.WAITING, rules.UNHEALTHY, rules.ROLLING_BACK])
def test_an_abandoned_roll_out_keeps_the_group_only_until_its_deadline(status: str) -> None:
    abandoned = record(status=status, deadline=NOW)
    assert rules.may_start(MINE, abandoned, now=NOW) == rules.START
    assert rules.is_abandoned(abandoned, NOW)


def test_a_settled_roll_out_is_never_abandoned() -> None:
    assert not rules.is_abandoned(record(deadline=0), NOW)
    assert not rules.is_abandoned(None, NOW)


@pytest.mark.parametrize("status", [rules.WAITING, rules.HEALTHY, rules.ROLLED_BACK])
def test_an_older_approval_never_overwrites_a_newer_one(status: str) -> None:
    newer = record(approved_at="2026-11-20T10:00:01+00:00", status=status, model_version="1.0.3")
    with pytest.raises(rules.RolloutSupersededError, match=r"1\.0\.3 was approved later than 1\.0\.2"):
        rules.may_start(MINE, newer, now=NOW)


def test_an_approval_that_arrives_twice_is_done_when_it_is_healthy() -> None:
    twin = record(approved_at=MINE.approved_at, model_version=MINE.model_version)
    assert rules.may_start(MINE, twin, now=NOW) == rules.DONE


def test_an_approval_that_arrives_twice_is_not_tried_again_after_a_roll_back() -> None:
    twin = record(approved_at=MINE.approved_at, model_version=MINE.model_version, status=rules.ROLLED_BACK)
    with pytest.raises(rules.RolloutSupersededError, match="approve it again to retry"):
        rules.may_start(MINE, twin, now=NOW)


@pytest.mark.parametrize(("status", "step"), [(rules.WAITING, rules.RESUME), (rules.HEALTHY, rules.DONE)])
def test_a_repeated_call_goes_on_where_it_was(status: str, step: str) -> None:
    own = record(execution=MINE.execution, approved_at=MINE.approved_at, status=status, deadline=0)
    assert rules.may_start(MINE, own, now=NOW) == step


def test_a_repeated_call_learns_that_a_device_was_unhealthy() -> None:
    own = record(execution=MINE.execution, status=rules.UNHEALTHY, reason="line-1: golden image 0 differs")
    with pytest.raises(rules.DeviceUnhealthyError, match="line-1: golden image 0 differs"):
        rules.may_start(MINE, own, now=NOW)


@pytest.mark.parametrize("status", [rules.ROLLING_BACK, rules.ROLLED_BACK])
def test_a_repeated_call_does_not_deploy_again_after_its_roll_back(status: str) -> None:
    with pytest.raises(rules.RolloutSupersededError, match="rolled back already"):
        rules.may_start(MINE, record(execution=MINE.execution, status=status), now=NOW)


def test_a_client_token_is_the_same_for_the_same_execution_and_purpose_only() -> None:
    tokens = {
        rules.client_token(purpose, name) for purpose in ("deploy", "roll-back") for name in ("a:1", "a:2", "a:1")
    }
    assert len(tokens) == 4
    assert all(len(token) <= 64 and token.replace("-", "").isalnum() for token in tokens)


def report(**changes: Any) -> dict[str, Any]:
    health = {
        "thing": "line-1",
        "healthy": True,
        "model_version": "1.0.1",
        "reason": None,
        "at": "2026-11-20T10:01:00Z",
    }
    return health | {"topic_thing": "line-1"} | changes


def test_a_health_report_is_read() -> None:
    assert rules.parse_health_report(report()) == HealthReport("line-1", "1.0.1", True, "")


def test_a_long_reason_is_cut() -> None:
    parsed = rules.parse_health_report(report(healthy=False, reason="x" * 10_000))
    assert parsed == HealthReport("line-1", "1.0.1", False, "x" * 500)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (report(thing="line-2"), "thing 'line-2' reported on the topic of 'line-1'"),
        (report(thing=None, topic_thing=None), "thing None reported"),
        (report(healthy="yes"), "healthy must be true or false, got 'yes' from line-1"),
        (report(healthy=1), "healthy must be true or false, got 1 from line-1"),
        (report(model_version=3), "model_version must be a text, got 3 from line-1"),
        (report(model_version=""), "model_version must be a text"),
        ([], "must be an object"),
        ({}, "thing None reported"),
    ],
)
def test_a_message_that_is_no_health_report_of_its_thing_is_refused(message: Any, said: str) -> None:
    with pytest.raises(rules.InvalidHealthReportError, match=said):
        rules.parse_health_report(message)


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (record(status=rules.WAITING), True),
        (record(status=rules.HEALTHY), True),
        (record(status=rules.ROLLING_BACK), False),
        (record(status=rules.ROLLED_BACK), False),
        (record(status=rules.WAITING, model_version="1.0.2"), False),
        (record(status=rules.WAITING, things=["line-2"]), False),
        (None, False),
    ],
)
def test_a_report_concerns_only_the_roll_out_of_its_model_and_its_things(current: Any, expected: bool) -> None:
    assert rules.concerns(HealthReport("line-1", "1.0.1", True, ""), current) is expected


@pytest.mark.parametrize(
    ("healthy", "expected"), [({"line-1"}, False), ({"line-1", "line-2"}, True), ({"line-1", "line-2", "line-3"}, True)]
)
def test_a_roll_out_is_healthy_when_every_thing_is(healthy: set[str], expected: bool) -> None:
    assert rules.all_healthy(record(healthy=healthy)) is expected


def test_a_roll_out_without_reports_is_not_healthy() -> None:
    assert not rules.all_healthy(record())
