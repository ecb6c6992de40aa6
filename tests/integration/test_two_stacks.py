"""Two stacks in one account and region: each has its own images, models, devices and messages, and outlives the other.

The name of one begins with the other's, which is what a careless policy or pattern mixes up. The trainings are as short
as can be: what counts here is whose a thing is.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from client import adopting, datasets, devices, models, pipeline, users
from client.formats.report import Report
from client.labels import importing
from client.loop.sample import draw
from client.removal import removing
from client.target import Place, Target
from local import application, stack
from local.account import REGION
from local.device.mqtt import Listener
from local.device.simulated import SimulatedDevice
from sightline.images.image import ImageStatus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PARAMETERS = {
    "LabelingWindowSeconds": "3600",  # labels are imported
    "MinNewLabels": "1000",  # trainings are started by the test
    "Hyperparameters": '{"image_size":"96","epochs":"1"}',
    "MinMap": "0",
    "MinRecall": "0",
    "BakeSeconds": "1",
}
PHOTOS = 24
SECOND = f"{application.NAME}-2"


@dataclass
class Line:
    """One stack with its photos and its device."""

    local: stack.Stack
    photos: Path
    thing: str
    said: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.local.outputs["StackName"]

    def listener(self) -> Listener:
        """Hear what anybody says about this stack."""
        return Listener(self.local.endpoint, self.local.credentials, f"sightline/{self.name}/#", self.said.append)

    @property
    def target(self) -> Target:
        return Target(self.local.outputs, boto3.Session(**self.local.credentials), self.local.endpoint)

    @property
    def device(self) -> SimulatedDevice:
        return SimulatedDevice(self.local.home, self.thing)

    def images(self) -> set[str]:
        return {key for image in pipeline.ledger(self.target).with_status(ImageStatus.APPROVED) for key in image.keys}

    def running(self) -> dict[str, str]:
        """Thing → model of the stack's devices."""
        return {entry["thing"]: entry["model"] for entry in devices.listed(self.target)}

    def inspect(self, photo: Path, name: str) -> dict[str, Any]:
        """Put a photo in front of the device, and return its verdict."""
        part = self.device.images / f"{name}.part"
        shutil.copyfile(photo, part)
        part.rename(self.device.images / name)
        found: dict[str, Any] = until(lambda: next((m for m in self.said if m.get("image") == name), None))
        return found


def until(found: Callable[[], Any], seconds: float = 120) -> Any:
    """Return what `found` answers as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.3)
    return answer


def upload(line: Line, seed: int) -> None:
    draw(line.photos, PHOTOS, seed=seed)  # the names tell the seed
    pipeline.upload(line.target, sorted(line.photos.glob("*.jpg")))


def label(line: Line) -> list[str]:
    until(lambda: pipeline.ledger(line.target).counts()[ImageStatus.NEW] == PHOTOS)
    labels = importing.read(line.target, "coco", line.photos / "labels.json", Report(), None, {})
    return importing.bring(line.target, labels.lines, approved=True)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Line]]:
    """Both stacks, up side by side, each with photos, a model and a device that runs it: every step in both at once."""
    home = tmp_path_factory.mktemp("home")
    try:
        first = stack.up(root=home, overrides=PARAMETERS, tied=True)
        outputs = application.deploy(home, first.port, application.parameters(PARAMETERS), SECOND)
        second = replace(first, outputs=outputs)
        made = [
            Line(one, tmp_path_factory.mktemp("photos"), thing)
            for one, thing in ((first, "line-a"), (second, "line-b"))
        ]
        run(made)
        yield made
    finally:
        stack.down(home)


def run(lines: list[Line]) -> None:
    """Run the loop in all stacks at once, up to a verdict of each device."""
    listeners = [one.listener() for one in lines]
    for number, one in enumerate(lines):
        upload(one, seed=3 + number)
    for one, imports in [(one, label(one)) for one in lines]:
        for arn in imports:
            pipeline.wait_for(one.target, arn)
    trainings = [(one, pipeline.start_training(one.target)) for one in lines]
    for one, arn in trainings:
        output = pipeline.wait_for(one.target, arn, seconds=300)
        assert pipeline.current_state(one.target, arn) == "ModelRegistered", output
    for one in lines:
        devices.publish_inspector(one.target)
        one.device.start(one.local)
        models.judge(one.target, "latest", approved=True)
    for one in lines:
        [rollout] = until(lambda target=one.target: pipeline.executions(target, "deploy_model"))
        pipeline.wait_for(one.target, rollout["executionArn"], seconds=300)
        assert pipeline.current_state(one.target, rollout["executionArn"]) == "DeploymentHealthy"
    for one in lines:
        one.inspect(min(one.photos.glob("*.jpg")), f"{one.thing}.jpg")
    for listener in listeners:
        listener.close()


def test_each_stack_has_its_own_images_and_labels(lines: list[Line]) -> None:
    for one in lines:
        assert one.images() == {f"incoming/{path.name}" for path in one.photos.glob("*.jpg")}
        bucket = one.target.outputs["ArtifactsBucketName"]
        found = one.target.aws.s3.list_objects_v2(Bucket=bucket, Prefix="datasets/images/")["Contents"]
        assert len(found) == PHOTOS


def test_each_stack_has_its_own_models_jobs_and_executions(lines: list[Line]) -> None:
    for one in lines:
        [model] = models.listed(one.target)
        [package] = one.target.aws.sagemaker.list_model_packages(ModelPackageGroupName=f"{one.name}-models")[
            "ModelPackageSummaryList"
        ]
        assert f"/{one.name}-models/" in package["ModelPackageArn"]
        assert model["version"] == 1
        for machine in pipeline.MACHINES:
            for execution in pipeline.executions(one.target, machine):
                assert f":execution:{one.name}-{machine.replace('_', '-')}:" in execution["executionArn"]
    jobs = lines[0].target.aws.sagemaker.list_training_jobs()["TrainingJobSummaries"]
    assert len(jobs) == 2
    assert len({job["TrainingJobName"] for job in jobs}) == 2


def test_each_stack_has_its_own_devices_components_and_deployments(lines: list[Line]) -> None:
    for one in lines:
        assert one.running() == {one.thing: "1.0.1"}
        [entry] = devices.listed(one.target)
        own = devices.own_components(one.target)
        assert set(entry["components"]) == {own.inspector, own.model}
        group = f"{one.name}-fleet"
        assert one.target.aws.iot.list_things_in_thing_group(thingGroupName=group)["things"] == [one.thing]
        arn = one.target.outputs["ThingGroupArn"]
        found = one.target.aws.greengrass.list_deployments(targetArn=arn, historyFilter="ALL")["deployments"]
        assert {deployment["deploymentName"].startswith(f"{one.name}-model-1.0.1") for deployment in found} == {True}
    names = [entry["componentName"] for entry in lines[0].target.aws.greengrass.list_components()["components"]]
    assert len(names) == 4


def test_each_stack_hears_its_own_devices_only(lines: list[Line]) -> None:
    for one in lines:
        assert {message["thing"] for message in one.said if "thing" in message} == {one.thing}
        assert [message["image"] for message in one.said if "image" in message and "verdict" in message] == [
            f"{one.thing}.jpg"
        ]
        items = one.target.aws.dynamodb.scan(TableName=one.target.outputs["DeploymentsTableName"])["Items"]
        assert sorted(item["pk"]["S"] for item in items) == [
            f"group#{one.target.outputs['ThingGroupArn']}",
            f"thing#{one.thing}",
        ]


def test_nothing_of_one_stack_waits_in_a_queue_of_the_other(lines: list[Line]) -> None:
    urls = lines[0].target.aws.sqs.list_queues()["QueueUrls"]
    assert len(urls) == 2 * 3
    for url in urls:
        counted = lines[0].target.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert int(counted["ApproximateNumberOfMessages"]) == 0, url


def test_a_stack_can_not_use_the_rights_of_the_other(lines: list[Line]) -> None:
    """The page of the one whose name the other's begins with sees its own workflows, and is refused the other's."""
    first, second = lines
    [execution] = pipeline.executions(second.target, "train_model")
    role = role_of(first, "ServeOverviewFunction")
    client = role.client("stepfunctions", endpoint_url=first.local.endpoint)
    [own] = pipeline.executions(first.target, "train_model")
    assert client.get_execution_history(executionArn=own["executionArn"])["events"]
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.get_execution_history(executionArn=execution["executionArn"])


def role_of(line: Line, function: str) -> boto3.Session:
    """Return a session with the role of one of the stack's functions."""
    cloudformation = line.target.client("cloudformation")
    found = cloudformation.describe_stack_resource(StackName=line.name, LogicalResourceId=function)
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    arn = line.target.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    keys = line.target.aws.sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)


def test_one_stack_goes_on_without_the_other_which_comes_back_with_what_it_kept(lines: list[Line]) -> None:
    """Last, because it takes the second stack down: adopted and deployed anew, it has its images, labels and models."""
    first, second = lines
    place = Place(second.name, second.target.session, second.local.endpoint)
    before = {"images": second.images(), "models": models.listed(second.target), "labels": labels(second)}
    users.add(second.target, "eve", engineer=True)
    second.device.stop()
    assert list(removing.plan(place).run(everything=False))[-1] == f"the stack {second.name} is deleted"

    listener = first.listener()
    assert first.inspect(max(first.photos.glob("*.jpg")), "after.jpg")["model_version"] == "1.0.1"
    listener.close()
    assert first.images() == {f"incoming/{path.name}" for path in first.photos.glob("*.jpg")}

    adopted = adopting.adopt(place, {})
    assert {"ImagesBucket", "ImagesTable", "UserPool", "ModelPackageGroup", "DataKey"} <= set(adopted)
    with pytest.raises(adopting.AdoptingError, match="is there already"):
        adopting.adopt(place, {})
    outputs = application.deploy(first.local.home, first.local.port, application.parameters(PARAMETERS), SECOND)
    again = replace(second, local=replace(second.local, outputs=outputs))
    kept = ("ImagesBucketName", "ArtifactsBucketName", "ImagesTableName", "TasksTableName", "DeploymentsTableName",
            "UserPoolId", "ModelPackageGroupName")  # fmt: skip
    assert {name: outputs[name] for name in kept} == {name: second.local.outputs[name] for name in kept}
    assert {"images": again.images(), "models": models.listed(again.target), "labels": labels(again)} == before
    pool = again.target.aws.cognito
    groups = pool.admin_list_groups_for_user(UserPoolId=outputs["UserPoolId"], Username="eve")["Groups"]
    assert [group["GroupName"] for group in groups] == ["engineers"]
    draw(again.photos / "more", 1, seed=9)  # what is dropped into the adopted bucket is registered
    pipeline.upload(again.target, sorted((again.photos / "more").glob("*.jpg")))
    until(lambda: pipeline.ledger(again.target).counts()[ImageStatus.NEW] == 1)


def labels(line: Line) -> object:
    """Return the records of the newest dataset."""
    return datasets.records(line.target, "latest")
