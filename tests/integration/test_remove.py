"""`sightline remove`: a stack with work in it is taken down, its data stays, and then goes too; each may break off."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
import pytest

from client import pipeline
from client.doctor.deployed import Deployed
from client.removal import removing
from client.target import Place, Target
from client.users import add
from local import stack as local_stack
from local.application import NAME
from sightline.images.image import ImageStatus
from tests.command import run
from tests.fake_cloud import jpeg
from tests.playing_aws import play_aws

SECONDS = 60
DATA = ["ArtifactsBucket", "DataKey", "DeploymentsTable", "ImagesBucket", "ModelPackageGroup", "TasksTable", "UserPool"]


def until(is_so: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (value := is_so()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return value


class Stack:
    """A stack in which people label one image, and which a device belongs to."""

    def __init__(self, local: local_stack.Stack, folder: Path) -> None:
        self.root = local.credentials
        self.place = Place(NAME, boto3.Session(**local.credentials), local.endpoint)
        self.target = Target(local.outputs, self.place.session, self.place.endpoint)
        self.client, self.outputs = local.client, local.outputs
        photo = folder / "a.jpg"
        photo.write_bytes(jpeg(1))
        pipeline.upload(self.target, [photo])
        until(lambda: pipeline.ledger(self.target).counts()[ImageStatus.CLAIMED])
        add(self.target, "anna")
        sagemaker, group = self.client("sagemaker"), local.outputs["ModelPackageGroupName"]
        sagemaker.create_model_package(ModelPackageGroupName=group)
        certificate = self.client("iot").create_keys_and_certificate(setAsActive=True)
        self.certificate = certificate["certificateArn"]
        iot = self.client("iot")
        iot.create_thing(thingName="line-1")
        iot.add_thing_to_thing_group(thingName="line-1", thingGroupName=local.outputs["ThingGroupName"])
        deployed: Any = {"targetArn": local.outputs["ThingGroupArn"], "components": {}}
        self.client("greengrassv2").create_deployment(**deployed)
        policy = local.outputs["DevicePolicyName"]
        self.client("iot").attach_policy(policyName=policy, target=self.certificate)

    def running(self) -> list[str]:
        client = self.client("stepfunctions")
        return [one["name"] for name in ("LabelImagesArn", "TrainModelArn")
                for one in client.list_executions(stateMachineArn=self.outputs[name], statusFilter="RUNNING")[
                    "executions"]]  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = tmp_path_factory.mktemp("remove")
    try:
        yield Stack(local_stack.up(root=root, tied=True), root)
    finally:
        local_stack.down(root)


@pytest.fixture
def command(stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """`sightline --stack … remove` with the emulator as if it were AWS: its exit code, output and messages."""
    play_aws(monkeypatch, stack.place.endpoint, stack.root)

    return partial(run, capsys, monkeypatch, "--stack", NAME, "remove")


def names(kept: Any) -> list[str]:
    return sorted(one.resource.name for one in kept if one.resource.name != "ImagesTable")


def test_another_name_removes_nothing(stack: Stack, command: Any) -> None:
    code, out, err = command("--yes", "sightline-prod")
    assert (code, out) == (1, "")
    assert "'sightline-prod' is not the name of the stack, 'sightline-local'; nothing was removed" in err
    assert "1.00 US dollars a month" in err  # the key
    assert stack.running() != []


def test_a_removal_that_broke_off_is_taken_up_again_and_data_is_kept(stack: Stack, command: Any) -> None:
    list(islice(removing.plan(stack.place).run(everything=False), 2))  # rules are off, executions are stopped
    assert stack.running() == []
    found = Deployed.find(stack.place)
    assert found
    rule = found.id_of("UploadsRule")
    assert stack.client("events").describe_rule(Name=rule)["State"] == "DISABLED"

    code, out, err = command("--yes", NAME, "--json")
    said = json.loads(out)
    assert code == 0, err
    assert "the stack sightline-local is deleted" in said["done"]
    assert "certificates that lose the devices' policy: 1" in " ".join(said["done"])
    assert "Greengrass deployments cancelled: 1" in said["done"]
    assert {one["name"] for one in said["kept"]} == {*DATA, "ImagesTable"}
    assert Deployed.find(stack.place) is None
    assert stack.client("iot").list_attached_policies(target=stack.certificate)["policies"] == []
    ledger = pipeline.ledger(stack.target)
    assert {status: number for status, number in ledger.counts().items() if number} == {ImageStatus.NEW: 1}
    bucket = stack.outputs["ImagesBucketName"]
    assert [one["Key"] for one in stack.client("s3").list_objects_v2(Bucket=bucket)["Contents"]] == ["incoming/a.jpg"]


def test_what_was_kept_is_told_again_and_nothing_is_done(stack: Stack, command: Any) -> None:
    code, out, err = command("--yes", NAME)
    assert code == 0
    assert "1 versions of objects" in out
    assert "1 model packages" in out
    assert "1 users" in out
    assert f"sightline --stack {NAME} remove --everything" in err


def test_everything_goes_when_it_is_asked_for_although_that_broke_off_too(stack: Stack, command: Any) -> None:
    plan = removing.plan(stack.place)
    assert (plan.stack, names(plan.kept)) == (None, DATA)
    list(islice(plan.run(everything=True), 3))
    left = removing.plan(stack.place)
    assert len(left.kept) == len(plan.kept) - 3

    code, _, err = command("--everything", "--yes", NAME)
    assert code == 0
    assert "goes in 7 days" in err
    assert removing.plan(stack.place).kept == ()
    assert stack.client("s3").list_buckets()["Buckets"] == [
        bucket for bucket in stack.client("s3").list_buckets()["Buckets"] if "sam" in bucket["Name"]
    ]
    assert stack.client("dynamodb").list_tables()["TableNames"] == []
    code, out, err = command("--everything", "--yes", NAME)
    assert (code, out) == (0, "")
    assert "There is no stack sightline-local in us-east-1, and nothing is left of one." in err


def test_a_stack_that_aws_does_not_delete_is_named_with_the_reason(stack: Stack) -> None:
    """SageMaker deletes no group with packages: the reason is told, and after mending it goes on."""
    formation, sagemaker = stack.client("cloudformation"), stack.client("sagemaker")
    group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": "stubborn"}}
    formation.create_stack(StackName="stubborn", TemplateBody=json.dumps({"Resources": {"Stubborn": group}}))
    place = Place("stubborn", stack.place.session, stack.place.endpoint)
    until(lambda: (found := Deployed.find(place)) and found.status == "CREATE_COMPLETE")
    package = sagemaker.create_model_package(ModelPackageGroupName="stubborn")["ModelPackageArn"]
    with pytest.raises(
        removing.RemovalError, match=r"stubborn is DELETE_FAILED: Stubborn: .*packages.*remove it again"
    ):
        list(removing.plan(place).run(everything=False))
    sagemaker.delete_model_package(ModelPackageName=package)
    assert list(removing.plan(place).run(everything=False)) == ["the stack stubborn is deleted"]
