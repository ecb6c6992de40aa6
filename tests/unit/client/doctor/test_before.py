"""The checks before a deployment, without an account."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from client.doctor import account, before, machine, quotas
from client.doctor.findings import Finding
from client.doctor.template import Template, configured
from client.target import Place
from client.template_file import PROJECT
from tests.given_aws import GivenAws

PARAMETERS = {**Template.read().defaults, "TrainingInstanceType": "ml.g5.xlarge"}


def said(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(finding.verdict, finding.subject) for finding in findings]


def place(region: str | None = "eu-central-1", **given: Any) -> Place:
    made = Place("sightline", boto3.Session(region_name=region))
    made.__dict__["aws"] = GivenAws(made.session, None, **given)
    return made


@pytest.mark.parametrize(
    ("version", "verdict"), [((3, 10), "wrong"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "wrong")]
)
def test_python_is_one_that_the_project_runs_with(version: tuple[int, int], verdict: str) -> None:
    assert said(machine.python(version)) == [(verdict, "python")]


@pytest.mark.parametrize(
    ("script", "verdict", "text"),
    [
        ("echo SAM CLI, version 1.167.0", "ok", "version 1.167.0"),
        ("echo SAM CLI, version 1.9.0", "wrong", "version 1.9.0 is too old"),
        ("echo no module named samcli >&2; exit 1", "wrong", "does not run"),
    ],
)
def test_sam_is_there_and_new_enough(tmp_path: Path, script: str, verdict: str, text: str) -> None:
    program = tmp_path / "sam"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (found,) = machine.sam(str(program))
    assert (found.verdict, text in found.text) == (verdict, True)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    assert said(machine.disk(tmp_path)) == [("wrong", "disk")]


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", [("ok", "region"), ("ok", "services")]),
        ("eu-central-1", [("ok", "region"), ("ok", "services")]),
        ("eu-north-1", [("ok", "region"), ("ok", "services"), ("note", "services for devices")]),
        ("eu-central-2", [("ok", "region"), ("wrong", "services"), ("note", "services for devices")]),
        ("mars-1", [("wrong", "region")]),
        (None, [("wrong", "region")]),
    ],
)
def test_the_region_has_the_services(
    region: str | None, expected: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert said(account.region(place(region))) == expected


@pytest.mark.parametrize(
    ("name", "verdict"), [("sightline-dev", "ok"), ("Sightline_Dev", "wrong"), ("a" * 41, "wrong")]
)
def test_the_stack_has_a_name_with_which_everything_can_be_named(name: str, verdict: str) -> None:
    assert said(account.stack_name(Place(name, None))) == [(verdict, "stack name")]


def test_nobody_without_credentials_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    caller = account.Caller(place())
    assert said(caller.credentials()) == [("wrong", "credentials")]
    assert said(caller.rights([])) == [("not checked", "rights")]


class Iam:
    """IAM that knows one role with a path, and what it may not do."""

    def __init__(self, *denied: str) -> None:
        self.denied = denied
        self.asked: dict[str, Any] = {}

    def get_role(self, *, RoleName: str) -> dict[str, Any]:  # noqa: N803
        return {"Role": {"Arn": f"arn:aws:iam::123456789012:role/teams/{RoleName}"}}

    def get_paginator(self, name: str) -> "Iam":
        assert name == "simulate_principal_policy"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked = asked
        results = [{"EvalActionName": one, "EvalDecision": "implicitDeny" if one in self.denied else "allowed"}
                   for one in asked["ActionNames"]]  # fmt: skip
        return [{"EvaluationResults": results[:3]}, {"EvaluationResults": results[3:]}]


@pytest.mark.parametrize(("denied", "verdict"), [((), "ok"), (("iam:PassRole", "sqs:CreateQueue"), "wrong")])
def test_the_rights_of_a_session_are_those_of_its_role(denied: tuple[str, ...], verdict: str) -> None:
    iam = Iam(*denied)
    caller = account.Caller(place(iam=iam))
    caller.arn = "arn:aws:sts::123456789012:assumed-role/deployer/anna"
    (found,) = caller.rights(Template.read().types)
    assert (found.verdict, all(one in found.text for one in denied)) == (verdict, True)
    assert iam.asked["PolicySourceArn"] == "arn:aws:iam::123456789012:role/teams/deployer"


def test_the_check_of_rights_knows_every_type_of_the_template() -> None:
    assert Template.read().types - account.CREATES.keys() == set()


class ServiceQuotas:
    """Service Quotas: what the account has, and AWS's defaults."""

    def __init__(self, own: dict[str, float], defaults: dict[str, float]) -> None:
        self.lists = {"list_service_quotas": own, "list_aws_default_service_quotas": defaults}

    def get_paginator(self, name: str) -> Any:
        pages = [{"Quotas": [{"QuotaName": quota, "Value": value}]} for quota, value in self.lists[name].items()]
        return SimpleNamespace(paginate=lambda ServiceCode: pages)  # noqa: N803


@pytest.mark.parametrize(
    ("own", "defaults", "verdict"),
    [({"q": 0}, {"q": 4}, "wrong"), ({"q": 2}, {"q": 0}, "ok"), ({}, {"q": 1}, "ok"), ({}, {}, "not checked")],
)
def test_the_accounts_own_quota_counts_and_else_the_default(
    own: dict[str, float], defaults: dict[str, float], verdict: str
) -> None:
    asked = quotas.Quotas(GivenAws(**{"service-quotas": ServiceQuotas(own, defaults)}))
    assert [one.verdict for one in asked.check(quotas.Needed("sagemaker", "q", "trains"))] == [verdict]


def test_the_quotas_are_those_of_what_was_chosen() -> None:
    def names(**changed: str) -> list[str]:
        return [one.name for one in quotas.needed({**PARAMETERS, **changed})]

    evaluates = "ml.m5.xlarge for processing job usage"
    assert names() == ["ml.g5.xlarge for training job usage", evaluates, quotas.BUILDS]
    assert names(UseSpotTraining="true", TrainingImageUri="mine") == [
        "ml.g5.xlarge for spot training job usage",
        evaluates,
    ]


@pytest.mark.parametrize(("limit", "verdict"), [(9, "wrong"), (10, "ok"), (1000, "ok")])
def test_a_new_account_runs_enough_functions_at_a_time(limit: int, verdict: str) -> None:
    given = SimpleNamespace(get_account_settings=lambda: {"AccountLimit": {"ConcurrentExecutions": limit}})
    findings = quotas.concurrency(GivenAws(**{"lambda": given}), PARAMETERS)
    assert said(findings) == [(verdict, "lambda concurrency")]


def test_the_parameters_are_those_of_the_stack_then_of_its_profile_then_the_defaults() -> None:
    assert configured("sightline-dev", PROJECT / "samconfig.toml") == {"LogRetentionDays": "7"}
    assert configured("another", PROJECT / "samconfig.toml") == {}


def test_values_are_read_as_a_guided_deployment_quotes_them(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text(
        '[default.global.parameters]\nstack_name = "sightline"\n[default.deploy.parameters]\n'
        r'parameter_overrides = "MaxUploadWorkers=\"5\" AlarmEmail=\"\" Hyperparameters=\"{}\" Classes=\"a b\""'
    )
    assert configured("sightline", file) == {
        "MaxUploadWorkers": "5", "AlarmEmail": "", "Hyperparameters": "{}", "Classes": "a b",
    }  # fmt: skip
    where = Place("sightline-dev", None)
    chosen = before.parameters(Template.read(), where, {"TrainingInstanceType": "ml.p3.2xlarge"})
    assert (chosen["TrainingInstanceType"], chosen["LogRetentionDays"], chosen["MinMap"]) == (
        "ml.p3.2xlarge",
        "7",
        "0.5",
    )
    assert before.parameters(Template.read(), where, {})["TrainingInstanceType"] == "ml.m5.xlarge"


def test_the_template_is_read_with_the_layers_of_each_function() -> None:
    template = Template.read()
    assert template.layers["PredictFunction"] == {"SightlineLayer", "OnnxLayer"}
    assert template.layers["ApproveModelFunction"] == {"SightlineLayer"}
    assert "ImagesBucketName" in template.outputs
    assert "EndpointName" not in template.outputs  # only where there is an endpoint
