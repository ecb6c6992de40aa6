"""The page and the command line, asked about the same devices and models of one account, give the same answers."""

import contextlib
import json
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from cli.main import main
from client import pipeline
from client.target import Target
from sightline.models.standing import Standing
from sightline.models.states import ModelState
from sightline.rollout.reports import ModelReport, Reports
from tests.fake_account import MODELS, account
from tests.fake_cloud import request
from tests.fake_greengrass import CANARY_ARN, GROUP_ARN
from tests.named import STACK
from tests.project import template

__all__ = ["account"]

Ask = Callable[..., Any]


@pytest.fixture
def line(account: SimpleNamespace) -> SimpleNamespace:
    """Two models; four devices: one proven, one that refused its model, one that broke since, one never seen."""
    account.fleet.canaries = ["canary-1"]
    account.fleet.things = ["line-1", "line-2", "line-3"]
    account.fleet.cores = {"canary-1": "HEALTHY", "line-1": "HEALTHY", "line-2": "UNHEALTHY"}
    account.fleet.installed = dict.fromkeys(account.fleet.cores, "1.0.3")
    said = Reports(account.aws, "deployments")
    Standing(account.aws, "deployments", GROUP_ARN).change("1.0.3", ModelState.IN_SERVICE, {})
    for thing in account.fleet.cores:
        said.remember(thing, "1.0.3", ModelReport(thing != "line-1", "golden images differ", "2026-11-20"))
    for number in (1, 2):
        account.sagemaker.create_model_package(
            ModelPackageGroupName=MODELS,
            ModelApprovalStatus="PendingManualApproval",
            CustomerMetadataProperties={
                "map50": f"0.{number}",
                "training_job": f"train-{number}",
                "dataset_version": "d",
            },
        )
    given = template()["Resources"]["ImagesTable"]["Properties"]
    fields = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    boto3.client("dynamodb").create_table(TableName="images", **{field: given[field] for field in fields})
    return account


@pytest.fixture
def page(line: SimpleNamespace, load_app: Callable[..., ModuleType]) -> Ask:
    """`page("GET", "/overview")` asks the function behind the page."""
    environment = line.environment | {
        "CANARY_GROUP_ARN": CANARY_ARN, "IMAGES_TABLE": "images", "MACHINES": "{}", "TRAINING_IMAGE_URI": "own",
        "TRAINING_IMAGE_REPOSITORY": "", "TRAINING_IMAGE_PROJECT": "", "DEVICE_SILENT_SECONDS": "1e9",
    }  # fmt: skip

    def ask(method: str, path: str, body: Any = None) -> Any:
        function = "serve_overview" if path == "/overview" else "approve_model"
        event = request(method, path, body, worker="anna", groups="engineers")
        answer = load_app(function, **environment).handler(event, line.context)
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"])

    return ask


@pytest.fixture
def command(line: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """`command("device", "list")` runs the command with `--json` where it has that."""
    outputs = {
        "StackName": STACK,
        "ThingGroupArn": GROUP_ARN,
        "ThingGroupName": GROUP_ARN.rsplit("/", 1)[-1],
        "CanaryThingGroupName": CANARY_ARN.rsplit("/", 1)[-1],
        "DeploymentsTableName": "deployments",
        "ModelPackageGroupName": MODELS,
    }
    target = Target(outputs, boto3.Session(region_name="us-east-1"))
    target.aws = line.aws
    monkeypatch.setattr(Target, "find", lambda *_: target)
    monkeypatch.setattr(pipeline, "parameters", lambda _: {"DeviceSilentSeconds": "1e9"})

    def run(*words: str) -> Any:
        monkeypatch.setattr("sys.argv", ["sightline", *words])
        with contextlib.suppress(SystemExit):
            main()
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in words else out

    return run


def test_devices_are_the_same_on_the_page_and_in_the_command(page: Ask, command: Ask) -> None:
    healthy = {"yes": True, "NO": False, "": None}
    listed = {
        entry["thing"]: (
            entry["status"],
            entry["model"],
            healthy[entry["healthy"]],
            entry["last_seen"],
            entry["problem"],
        )
        for entry in command("device", "list", "--json")
    }
    shown = {
        entry["thing"]: (entry["status"], entry["model"], entry["healthy"], entry["seen_at"] or "", entry["problem"])
        for entry in page("GET", "/overview")["devices"]
    }
    assert listed == shown
    assert {thing: entry[2] for thing, entry in shown.items()} == {
        "canary-1": True,
        "line-1": False,  # its nucleus is content, its inspector refused the model
        "line-2": False,  # it proved the model, and broke since
        "line-3": None,
    }


def test_models_are_the_same_on_the_page_and_in_the_command(page: Ask, command: Ask) -> None:
    shown = page("GET", "/overview")["models"]
    assert command("models", "list", "--json") == shown
    assert [(model["version"], model["state"], model["map50"]) for model in shown] == [
        (2, "candidate", 0.2),
        (1, "candidate", 0.1),
    ]


def test_whoever_decides_about_a_model_is_named_wherever_it_was(page: Ask, command: Ask) -> None:
    page("POST", "/models/2/approval", {"approved": True, "reason": "better on dents"})
    command("approve", "1", "--reject", "--reason", "too many alarms", "--yes")
    decided = {model["version"]: (model["state"], model["said"]) for model in page("GET", "/overview")["models"]}
    assert decided[2] == ("approved", "anna: better on dents")
    state, said = decided[1]
    who, _, why = said.partition(": ")
    assert (state, why, bool(who)) == ("rejected", "too many alarms", True)
    assert command("models", "list", "--json") == page("GET", "/overview")["models"]


def test_a_command_that_changes_the_line_says_what_it_hits_and_asks(
    command: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("cli.screen.console.print", lambda text, **_: said.append(str(text)))
    command("approve", "1")
    assert said == [
        "Model 1 (candidate) runs on 0 of 4 devices. Model 3 is in service on 3. Approve it, and roll it out? [y/N]",
        "sightline: nobody is there to answer; `--yes` answers beforehand",
    ]
    said.clear()
    command("approve", "2", "--reject")
    assert said[0].endswith("Reject it? [y/N]")
    said.clear()
    command("device", "rollback")  # without a version
    assert said == []
    assert [model["state"] for model in command("models", "list", "--json")] == ["candidate", "candidate"]
