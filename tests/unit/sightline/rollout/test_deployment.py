"""The rules of a roll-out."""

import hashlib
import json
import zipfile
from io import BytesIO
from typing import Any

import pytest

from sightline.rollout import deployment as rules
from sightline.rollout.deployment import Limits, Rollout

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
            "configurationUpdate": {
                "merge": '{"modelVersion": "1.0.2", "shadowVersion": ""}',
                "reset": ["/accessControl"],
            },
        },
        "com.sightline.Model": {"componentVersion": "1.0.2", "configurationUpdate": {"reset": [""]}},
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
            "configurationUpdate": {
                "merge": '{"modelVersion": "1.0.2", "shadowVersion": "", "source": "/camera"}',
                "reset": ["/accessControl"],
            },
            "runWith": {"posixUser": "ggc_user"},
        },
        "com.sightline.Model": {"componentVersion": "1.0.2", "configurationUpdate": {"reset": [""]}},
    }
    assert json.dumps(previous) == before


def test_the_first_roll_out_of_a_group_starts() -> None:
    assert rules.may_start(MINE, None, now=NOW) == rules.START


@pytest.mark.parametrize("status", [rules.HEALTHY, rules.ROLLED_BACK])
def test_a_newer_approval_starts_when_the_last_roll_out_is_settled(status: str) -> None:
    assert rules.may_start(MINE, record(status=status), now=NOW) == rules.START


@pytest.mark.parametrize("status", list(rules.OPEN))
def test_a_newer_approval_waits_while_another_has_the_group(status: str) -> None:
    with pytest.raises(rules.RolloutInProgressError, match=f"busy with 1.0.1 \\({status}\\)"):
        rules.may_start(MINE, record(status=status), now=NOW)


@pytest.mark.parametrize("status", list(rules.OPEN))
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


@pytest.mark.parametrize(
    ("status", "step"), [(rules.WAITING, rules.RESUME), (rules.PROMOTED, rules.NEXT_STAGE), (rules.HEALTHY, rules.DONE)]
)
def test_a_repeated_call_goes_on_where_it_was(status: str, step: str) -> None:
    own = record(execution=MINE.execution, approved_at=MINE.approved_at, status=status, deadline=0)
    assert rules.may_start(MINE, own, now=NOW) == step


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


LIMITS = Limits(abort_percentage=20, min_proven_percentage=50, max_disagreement=0.3, max_latency_ms=2000)


def stage(**changes: Any) -> dict[str, Any]:
    """A roll-out that waits for ten devices of the fleet, after the canary group."""
    things = [f"line-{number}" for number in range(10)]
    return {
        "model_version": "1.0.2",
        "status": rules.WAITING,
        "stage": rules.FLEET,
        "stages": [rules.CANARY, rules.FLEET],
        "things": things,
        "failed": {},
    } | changes


def failed(number: int) -> dict[str, str]:
    return {f"line-{place}": "broken" for place in range(number)}


def proven(first: int, last: int = 10) -> set[str]:
    return {f"line-{place}" for place in range(first, last)}


def test_a_trial_compares_with_the_model_before_and_a_settled_one_with_none() -> None:
    before = rules.deployed_components({}, model_version="1.0.1", inspector_version="1.3.0")
    after = rules.deployed_components(before, model_version="1.0.2", inspector_version="1.3.0")
    merge = [
        json.loads(found["com.sightline.Inspector"]["configurationUpdate"]["merge"])["shadowVersion"]
        for found in (after, rules.on_trial(after, before), rules.on_trial(after, {}), rules.on_trial(after, after))
    ]
    assert merge == ["", "1.0.1", "", ""]


def test_a_roll_back_clears_what_the_newer_deployment_merged() -> None:
    inspector = {"componentVersion": "1.3.0", "configurationUpdate": {"merge": '{"source": "/camera"}'}}
    restored = rules.restored_components({"com.sightline.Inspector": inspector})
    merge = restored["com.sightline.Inspector"]["configurationUpdate"]["merge"]
    assert json.loads(merge) == {"source": "/camera", "modelVersion": "", "shadowVersion": ""}
    assert rules.restored_components({}) == {}


@pytest.mark.parametrize(
    ("changes", "against"),
    [
        ({}, False),
        ({"failed": failed(1)}, False),  # the first of ten that answers
        ({"failed": failed(1), "healthy": proven(1)}, False),  # 10 %
        ({"failed": failed(2), "healthy": proven(2)}, True),  # 20 %
        ({"failed": failed(5), "healthy": proven(5, 9)}, False),  # nine have answered
        ({"failed": failed(2), "healthy": proven(0)}, True),  # who failed after a proof has failed
        ({"failed": failed(1), "things": ["line-0"]}, True),
        ({"stage": rules.CANARY, "failed": failed(1)}, True),
        ({"stop": "a person wants it"}, True),
    ],
)
def test_the_fleet_lives_with_a_share_of_failures_and_the_canary_group_with_none(
    changes: dict[str, Any], against: bool
) -> None:
    assert bool(rules.against(stage(**changes), LIMITS)) is against


@pytest.mark.parametrize(
    ("images", "differ", "against"),
    [(10, 4, False), (10, 7, True), (1000, 310, False), (1000, 340, True), (0, 0, False)],
)
def test_a_few_images_must_disagree_more_clearly_than_many(images: int, differ: int, against: bool) -> None:
    bake = {"line-1": {"images": images, "disagreements": differ}}
    assert bool(rules.against(stage(bake=bake), LIMITS)) is against


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"healthy": proven(0)}, rules.BAKE),
        ({"healthy": proven(5)}, rules.BAKE),  # half have proven it, the others may be offline
        ({"healthy": proven(6)}, rules.ROLL_BACK),
        ({}, rules.ROLL_BACK),
        ({"healthy": proven(0), "status": rules.BAKING, "bake_until": NOW + 60}, rules.BAKE),
        ({"healthy": proven(0), "status": rules.BAKING, "bake_until": NOW + 1}, rules.DONE),
        ({"healthy": proven(0), "status": rules.BAKING, "bake_until": NOW, "stage": rules.CANARY}, rules.PROMOTE),
        ({"status": rules.PROMOTED}, rules.PROMOTE),
        ({"status": rules.HEALTHY}, rules.DONE),
    ],
)
def test_a_stage_bakes_when_it_is_proven_and_goes_on_when_it_is_baked(changes: dict[str, Any], step: str) -> None:
    assert rules.decide(stage(**changes), LIMITS, now=NOW).step == step


@pytest.mark.parametrize(
    ("status", "counts"),
    [("QUEUED", False), ("", False), ("CANCELED", False), ("FAILED", True), ("SUCCEEDED", True), ("IN_PROGRESS", True)],
)
def test_only_a_device_that_took_the_deployment_is_silent(status: str, counts: bool) -> None:
    assert bool(rules.judge_silence(status, "", 900)) is counts


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"status": rules.HEALTHY}, rules.ROLL_BACK),
        ({"status": rules.WAITING}, rules.RESUME),
        ({"status": rules.BAKING}, rules.RESUME),
        ({"status": rules.BAKING, "deadline": NOW}, rules.ROLL_BACK),  # its execution is gone
        ({"status": rules.ROLLING_BACK, "deadline": NOW}, rules.ROLL_BACK),
    ],
)
def test_a_person_may_roll_back_what_runs_or_stop_what_is_being_rolled_out(changes: dict[str, Any], step: str) -> None:
    assert rules.may_roll_back(record(**changes), NOW) == step


@pytest.mark.parametrize("changes", [None, {"status": rules.ROLLED_BACK}, {"status": rules.ROLLING_BACK}])
def test_what_is_rolled_back_is_not_rolled_back_again(changes: Any) -> None:
    with pytest.raises(rules.NothingToRollBackError):
        rules.may_roll_back(record(**changes) if changes else None, NOW)
