"""The rest of the console API: sign-in, the page, the overview, models, and what needs an engineer."""

import base64
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sightline.api.tries import MOST
from sightline.aws.workflows import Execution, StateMachine
from sightline.models.states import ModelState
from sightline.models.training_image import TrainingImages
from sightline.rollout.fleet import Device, Fleet, NucleusStatus
from sightline.rollout.reports import ModelReport
from sightline.rollout.stages import Stage
from tests.fake_builds import PROJECT, REPOSITORY, FakeBuilds
from tests.fake_cloud import REGION, Cloud, jpeg, request
from tests.given_aws import GivenAws
from tests.images import ledger
from tests.project import states

JOB = "window-1795220517014"
REJECTED = ModelState.REJECTED
FINE = {"wrong": False, "silent": False, "problem": ""}
BOX = {"class_id": 0, "left": 1, "top": 2, "width": 10, "height": 12}
CONTEXT: Any = SimpleNamespace(
    function_name="f", memory_limit_in_mb=128, invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
    aws_request_id="1",
)  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- sign-in
@pytest.fixture
def session(load_app: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> Any:
    """`session(body)` asks POST /session of a pool with `anna`, an engineer, and `ben`, who has to choose a
    password.
    """
    with mock_aws():
        cognito = boto3.client("cognito-idp", region_name=REGION)
        pool = cognito.create_user_pool(PoolName="users")["UserPool"]["Id"]
        client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="console")["UserPoolClient"]["ClientId"]
        cognito.create_group(UserPoolId=pool, GroupName="engineers")
        for name in ("anna", "ben"):
            cognito.admin_create_user(UserPoolId=pool, Username=name, TemporaryPassword="Given-Once-12")
        cognito.admin_set_user_password(UserPoolId=pool, Username="anna", Password="Of-Her-Own-12", Permanent=True)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username="anna", GroupName="engineers")
        app = load_app("open_session", USER_POOL_ID=pool, USER_POOL_CLIENT_ID=client)

        def ask(body: Any, address: str = "192.0.2.1") -> tuple[int, Any]:
            event = request("POST", "/session", body)
            event["requestContext"]["http"]["sourceIp"] = address
            answer = app.handler(event, CONTEXT)
            return answer["statusCode"], json.loads(answer["body"])

        yield ask


def test_a_name_and_a_password_become_a_token_that_a_refresh_token_renews(session: Any) -> None:
    status, given = session({"username": "anna", "password": "Of-Her-Own-12"})
    assert (status, given["username"], given["groups"]) == (200, "anna", ["engineers"])
    assert given["expires_in"] > 0
    status, again = session({"username": "anna", "refresh_token": given["refresh_token"]})
    assert (status, again["username"], "refresh_token" in again) == (200, "anna", False)


def test_a_wrong_password_and_a_name_that_is_not_there_get_the_same_answer(session: Any) -> None:
    wrong = session({"username": "anna", "password": "Not-Hers-123"})
    assert wrong[0] == 401
    assert session({"username": "nobody", "password": "Not-Hers-123"})[0] == 401


def test_a_stranger_who_guesses_keeps_nobody_out_but_themself(session: Any) -> None:
    guessed, right = ({"username": "anna", "password": word} for word in ("Not-Hers-123", "Of-Her-Own-12"))
    assert {session(guessed, "203.0.113.9")[0] for _ in range(MOST)} == {401}
    assert session(guessed, "203.0.113.9")[0] == session(right, "203.0.113.9")[0] == 429
    assert session({"refresh_token": "guessed"}, "203.0.113.9")[0] == 429
    assert session(right)[0] == 200


def test_the_first_sign_in_asks_for_a_new_password(session: Any) -> None:
    status, asked = session({"username": "ben", "password": "Given-Once-12"})
    assert (status, asked["challenge"]) == (409, "NEW_PASSWORD_REQUIRED")
    chosen = {"username": "ben", "session": asked["session"], "new_password": "Of-His-Own-12"}
    assert session(chosen)[1]["username"] == "ben"
    assert session({"username": "ben", "password": "Of-His-Own-12"})[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "anna"},
        {"username": 1, "password": "x"},
        [],
        "{",
        {"refresh_token": ""},
    ],
)
def test_a_sign_in_that_can_not_be_is_refused(session: Any, body: Any) -> None:
    assert session(body)[0] == 400


# ---------------------------------------------------------------------------------------------------------------- page
@pytest.fixture
def page(load_app: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`page(file)` asks for a file of a page with `index.html`, `app.js` and `secret.key`."""
    folder = tmp_path / "sightline_console"
    folder.mkdir()
    for name in ("index.html", "app.js", "secret.key"):
        (folder / name).write_text(name)
    monkeypatch.syspath_prepend(str(tmp_path))
    app = load_app("serve_console", IMAGES_BUCKET="images")

    def ask(file: str | None = None, tag: str | None = None) -> dict[str, Any]:
        event = request("GET", f"/console/{file}", file=file) if file else request("GET", "/")
        event["headers"] |= {"if-none-match": tag} if tag else {}
        answer: dict[str, Any] = app.handler(event, CONTEXT)
        return answer

    return ask


def test_the_page_comes_with_headers_that_let_in_nothing_foreign(page: Any) -> None:
    answer = page()
    assert (answer["statusCode"], base64.b64decode(answer["body"])) == (200, b"index.html")
    policy = dict(part.strip().split(" ", 1) for part in answer["headers"]["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"], policy["connect-src"]) == (
        "'none'", "'self'", "'self'", "'self'",
    )  # fmt: skip
    assert "unsafe" not in answer["headers"]["content-security-policy"]
    assert "*" not in answer["headers"]["content-security-policy"]
    assert (policy["frame-ancestors"], policy["base-uri"]) == ("'none'", "'none'")
    assert policy["img-src"].startswith("'self' blob: data: https://images.s3")
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    assert page("app.js")["headers"]["content-type"].startswith("text/javascript")


def test_a_page_that_has_not_changed_is_not_sent_again(page: Any) -> None:
    tag = page("app.js")["headers"]["etag"]
    assert (page("app.js", tag)["statusCode"], page("index.html", tag)["statusCode"]) == (304, 200)


@pytest.mark.parametrize(
    "file", ["none.js", "secret.key", "../app.py", "app.js/..", "%2e%2e", "__init__.py", "Makefile"]
)
def test_only_the_files_of_the_page_are_served(page: Any, file: str) -> None:
    answer = page(file)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (404, "application/json")


# ------------------------------------------------------------------------------------------------------------ overview
class Sagemaker:
    """A registry with two versions."""

    def __init__(self) -> None:
        self.updated: list[dict[str, Any]] = []

    def get_paginator(self, _: str) -> Any:
        found = [{"ModelPackageArn": f"arn/{version}", "ModelPackageVersion": version} for version in (2, 1)]
        return SimpleNamespace(
            paginate=lambda **_: [{"ModelPackageSummaryList": []}, {"ModelPackageSummaryList": found}]
        )

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        version = int(ModelPackageName[-1])
        properties = {"map50": "0.8", "map50_95": "0.5", "dataset_version": "d", "training_job": f"job-{version}"}
        decided = next((entry for entry in reversed(self.updated) if entry["ModelPackageArn"] == ModelPackageName), {})
        return {
            "ModelPackageArn": ModelPackageName,
            "ModelPackageVersion": version,
            "ModelApprovalStatus": decided.get("ModelApprovalStatus", "PendingManualApproval"),
            "ApprovalDescription": decided.get("ApprovalDescription", ""),
            "CreationTime": datetime(2026, 11, 24, 10, tzinfo=UTC),
            "CustomerMetadataProperties": properties if version == 2 else {},
        }

    def update_model_package(self, **request: Any) -> None:
        self.updated.append(request)


@pytest.fixture
def sagemaker(aws: GivenAws) -> Sagemaker:
    made = Sagemaker()
    aws.given["sagemaker"] = made
    return made


def test_the_overview_shows_images_executions_models_devices_and_a_failed_build_of_the_image(
    cloud: Cloud, aws: GivenAws, step: Any, sagemaker: Sagemaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: True)
    step("register_images", {"Records": [cloud.upload("1.jpg", jpeg(1))]})
    in_service = ModelState.IN_SERVICE
    seen_at, proven = datetime(2026, 11, 24, 10, tzinfo=UTC), ModelReport(True, "", "2026-11-24T09:00:00Z")
    runs = {"com.sightline.plant.Model": "1.0.2"}
    known = [
        Device("canary-1", Stage.CANARY, NucleusStatus.HEALTHY, seen_at, runs, "1.0.2", proven, in_service),
        Device("line-1", Stage.FLEET, NucleusStatus.UNHEALTHY, seen_at, runs, "1.0.2", proven, in_service),
        Device("line-3", Stage.FLEET, NucleusStatus.HEALTHY, seen_at, runs, "1.0.2", proven, REJECTED, is_silent=True),
        Device("line-2", Stage.FLEET, NucleusStatus.NEVER_SEEN, None, {}, "", None),
    ]
    monkeypatch.setattr(Fleet, "devices", lambda _: known)
    running = Execution("window-1", "RUNNING", "2026-11-24T09:00:00", "OpenLabelingJob")
    monkeypatch.setattr(StateMachine, "newest", lambda *_: [running])
    cloud.environment |= {
        "MACHINES": '{"label_images": "arn:label"}',
        "MODEL_PACKAGE_GROUP": "models",
        "THING_GROUP_ARN": "arn:fleet",
        "CANARY_GROUP_ARN": "arn:canary",
        "DEPLOYMENTS_TABLE": "DeploymentsTable",
        "DEVICE_SILENT_SECONDS": "600",
        "TRAINING_IMAGE_URI": "",
        "TRAINING_IMAGE_REPOSITORY": REPOSITORY,
        "TRAINING_IMAGE_PROJECT": PROJECT,
    }
    aws.given["codebuild"] = builds = FakeBuilds()
    answer = step("serve_overview")
    seen = json.loads(answer["body"])
    assert seen["image_problem"] is None, "nothing was built yet"
    TrainingImages(aws, REPOSITORY, PROJECT).start("1a", "artifacts/code.zip", 0)
    builds.end("FAILED")
    problem = json.loads(step("serve_overview")["body"])["image_problem"]
    assert problem.startswith("The training image could not be built: the last build ended FAILED.")
    assert (answer["statusCode"], seen["images"]["NEW"], seen["executions"]) == (
        200, 1, [{"machine": "label_images", **asdict(running)}],
    )  # fmt: skip
    assert [(model["version"], model["map50"]) for model in seen["models"]] == [(2, 0.8), (1, None)]
    told = {"model": "1.0.2", "model_state": "in service", "seen_at": "2026-11-24T10:00:00+00:00", **FINE}
    wrong = "line-3 runs model 2, which is rejected; it is silent since 2026-11-24 10:00 UTC"
    sick = "line-1 is not healthy: its components are UNHEALTHY"
    assert seen["devices"] == [
        {"thing": "canary-1", "status": "HEALTHY", "healthy": True, **told},
        {"thing": "line-1", "status": "UNHEALTHY", "healthy": False, **told, "problem": sick},
        {
            "thing": "line-3",
            "status": "HEALTHY",
            "healthy": False,
            **told,
            "model_state": "rejected",
            "wrong": True,
            "silent": True,
            "problem": wrong,
        },
        {
            "thing": "line-2",
            "status": "NEVER SEEN",
            "healthy": None,
            **told,
            "model": "",
            "model_state": None,
            "seen_at": None,
        },
    ]
    json.dumps(seen, allow_nan=False)


def test_a_workflow_is_shown_as_the_graph_that_is_deployed(
    cloud: Cloud, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = {"StartAt": "IsWindowOpen", "States": states("label_images")}
    monkeypatch.setattr(StateMachine, "definition", lambda self: definition if self.arn == "arn:label" else None)
    cloud.environment |= {
        "MACHINES": '{"label_images": "arn:label"}',
        "MODEL_PACKAGE_GROUP": "models",
        "THING_GROUP_ARN": "arn:fleet",
        "CANARY_GROUP_ARN": "arn:canary",
        "DEPLOYMENTS_TABLE": "DeploymentsTable",
        "DEVICE_SILENT_SECONDS": "600",
        "TRAINING_IMAGE_URI": "",
        "TRAINING_IMAGE_REPOSITORY": REPOSITORY,
        "TRAINING_IMAGE_PROJECT": PROJECT,
    }
    answer = step("serve_overview", request("GET", "/workflows/label_images", machine="label_images"))
    graph = json.loads(answer["body"])
    assert {state["name"] for state in graph["states"]} == set(states("label_images"))
    assert {"from": "AreThereNewImages", "to": "StartFirstRound", "label": "claim.images > 0"} in graph["edges"]
    assert all({edge["from"], edge["to"]} <= set(states("label_images")) for edge in graph["edges"])
    assert step("serve_overview", request("GET", "/workflows/none", machine="none"))["statusCode"] == 404


def test_an_engineer_approves_a_model_and_nobody_else_does(cloud: Cloud, step: Any, sagemaker: Sagemaker) -> None:
    def ask(body: Any, version: str = "2", groups: str = "engineers") -> tuple[int, Any]:
        event = request("POST", f"/models/{version}/approval", body, groups=groups, version=version)
        answer = step("approve_model", event)
        return answer["statusCode"], json.loads(answer["body"])

    assert ask({"approved": True}, groups="")[0] == 403
    assert ask({"approved": True}, groups="not-engineers engineers2")[0] == 403
    refused = [
        ({}, "2"),
        ({"approved": 1}, "2"),
        ({"approved": True, "reason": "x" * 501}, "2"),
        ({"approved": True}, "x"),
    ]
    assert [ask(body, version)[0] for body, version in refused] == [400] * 4
    assert ask({"approved": True}, "7")[0] == 404
    assert sagemaker.updated == []
    assert ask({"approved": True, "reason": "good"}) == (200, {"version": 2, "state": "approved"})
    assert ask({"approved": False}) == (200, {"version": 2, "state": "rejected"})
    assert [(entry["ModelPackageArn"], entry["ApprovalDescription"]) for entry in sagemaker.updated] == [
        ("arn/2", "anna: good"), ("arn/2", "by anna"),
    ]  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- attention
@pytest.fixture
def aside(cloud: Cloud, step: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three images on the engineer's list: rejected with a label, skipped without one, approved but contradicted."""
    features: list[str] = []
    monkeypatch.setattr(
        "sightline.labelling.feature_store.FeatureGroup.put_label", lambda *args: features.append(args[2]["image_id"])
    )
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: not features.append("started"))
    records = [cloud.upload(f"{number}.jpg", jpeg(number)) for number in range(3)]
    step("register_images", {"Records": records})
    images = ledger()
    ids = [image.image_id for image in images.claim(JOB, 9, JOB)]
    images.reject(JOB, ids[0], rounds=2, why="box too small", annotations=[BOX])
    images.reject(JOB, ids[1], rounds=1, why="skipped: dark")
    images.approve(JOB, ids[2], rounds=1, label_ref="s3://a/b", annotations=[BOX])
    contradict(step, cloud, ids[2], map50=0.9)
    features.clear()
    return ids


def contradict(step: Any, cloud: Cloud, image_id: str, map50: float) -> None:
    """A model of that mAP@.50 is judged, which sees nothing where the image has a label."""
    scores = {"map50": map50, "map50_95": 0.4, "per_class": {}, "latency_ms": {"p95": 1}, "size_bytes": 1}
    body: dict[str, Any] = {"test_images": 4, "candidate": scores, "champion": None, "bootstrap": None}
    body["suspicious_labels"] = [
        {"image": f"{image_id}.jpg", "why": "the model sees nothing here", "score": 0.9},
        {"image": "x.jpg", "why": "y"},
    ]
    key = f"training/{cloud.event('judge_model')['training_job']}/evaluation/evaluation.json"
    cloud.s3.put_object(Bucket="artifacts", Key=key, Body=json.dumps(body).encode())
    step("judge_model")


def act(step: Any, image_id: str, action: Any, groups: str = "engineers") -> tuple[int, Any]:
    event = request("POST", f"/attention/{image_id}", {"action": action}, groups=groups, image_id=image_id)
    answer = step("serve_attention", event)
    return answer["statusCode"], json.loads(answer["body"])


def listed(step: Any) -> dict[str, str]:
    event = request("GET", "/attention")
    return {image["image_id"]: image["why"] for image in json.loads(step("serve_attention", event)["body"])["images"]}


def status_of(image_id: str) -> str:
    image = ledger().image(image_id)
    return image.status if image else ""


def test_what_people_could_not_settle_and_what_a_model_contradicts_is_listed(step: Any, aside: list[str]) -> None:
    seen = listed(step)
    assert (seen[aside[0]], seen[aside[1]]) == ("box too small", "skipped: dark")
    assert seen[aside[2]].endswith("the model sees nothing here")


def test_a_model_that_misses_the_floor_contradicts_nobody(step: Any, aside: list[str], cloud: Cloud) -> None:
    step("register_images", {"Records": [cloud.upload("another.jpg", jpeg(9))]})
    (approved,) = (image.image_id for image in ledger().claim("another", 9, "another"))
    ledger().approve("another", approved, rounds=1, label_ref="s3://a/b", annotations=[BOX])
    contradict(step, cloud, approved, map50=0.0)
    assert approved not in listed(step)
    contradict(step, cloud, approved, map50=0.9)
    assert approved in listed(step)


def test_an_engineer_settles_the_list_and_nobody_else_does(step: Any, aside: list[str], cloud: Cloud) -> None:
    assert act(step, aside[0], "accept", groups="")[0] == 403
    assert [act(step, aside[0], action)[0] for action in ("burn", None, ["accept"])] == [400] * 3
    assert [act(step, image_id, "accept")[0] for image_id in ("none", "x" * 3000)] == [404, 400]
    assert act(step, aside[1], "accept")[0] == 409
    assert set(listed(step)) == set(aside)
    assert act(step, aside[0], "accept") == (200, {"image_id": aside[0], "status": "APPROVED"})
    assert act(step, aside[0], "accept")[0] == 409
    assert act(step, aside[1], "drop") == (200, {"image_id": aside[1], "status": "QUARANTINED"})
    assert act(step, aside[2], "relabel") == (200, {"image_id": aside[2], "status": "NEW"})
    assert listed(step) == {}
    assert cloud.read(f"datasets/images/{aside[0]}.jpeg")
    line = cloud.read_lines(f"labeling/accepted-{aside[0][:32]}/output.manifest")[0]
    assert line["defects"]["annotations"] == [BOX]
    step("claim_new_images")
    asked = cloud.read_lines(f"labeling/{JOB}/round-1/images.jsonl")
    assert [(image["image_id"], image["annotations"], "contradicts" not in image["reason"]) for image in asked] == [
        (aside[2], [BOX], True)
    ]


def test_a_label_that_an_engineer_has_accepted_is_not_asked_again(step: Any, aside: list[str]) -> None:
    assert act(step, aside[2], "accept")[0] == 200
    step("judge_model")
    assert aside[2] not in listed(step)
    assert status_of(aside[2]) == "APPROVED"
