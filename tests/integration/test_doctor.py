"""`sightline doctor` on a stack that is well, and with faults planted into it one after the other: each is named."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from client.doctor import after, before
from client.doctor.deployed import Deployed
from client.doctor.findings import Finding, Verdict, run
from client.doctor.template import Template
from client.target import Place
from local import stack as local_stack
from local.application import NAME
from training.code_digest import code_digest

UPLOAD_SECONDS = 8  # a message of a fault does not come any later
TEMPLATE = Template.read()


@dataclass
class Patient:
    """A running stack. `session` asks for it: a fault may change who that is."""

    local: local_stack.Stack
    session: Any = None

    def __post_init__(self) -> None:
        self.session = self.session or boto3.Session(**self.local.credentials)

    @property
    def place(self) -> Place:
        return Place(NAME, self.session, self.local.endpoint)

    @property
    def deployed(self) -> Deployed:
        found = Deployed.find(Place(NAME, boto3.Session(**self.local.credentials), self.local.endpoint))
        assert found
        return found

    def client(self, service: str) -> Any:
        return self.local.client(service)

    def id_of(self, name: str) -> str:
        return self.deployed.id_of(name)

    def account(self) -> list[Finding]:
        return list(run(before.checks(self.place, TEMPLATE, self.deployed)))

    def stack(self) -> list[Finding]:
        return list(run(after.checks(self.deployed, TEMPLATE, UPLOAD_SECONDS)))


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    root = tmp_path_factory.mktemp("doctor")
    try:
        yield Patient(local_stack.up(root=root, tied=True))
    finally:
        local_stack.down(root)


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {one.subject: f"{one.text}; {one.todo}" for one in findings if one.verdict == Verdict.WRONG}


def left_behind(patient: Patient) -> list[str]:
    """Return the objects, in all versions, and the ledger's rows of images and objects."""
    s3, outputs = patient.client("s3"), patient.deployed.outputs
    found = [
        one["Key"]
        for bucket, prefix in ((outputs["ImagesBucketName"], ""), (outputs["ArtifactsBucketName"], "doctor/"))
        for kind in ("Versions", "DeleteMarkers")
        for one in s3.list_object_versions(Bucket=bucket, Prefix=prefix).get(kind, [])
    ]
    rows = patient.client("dynamodb").scan(TableName=outputs["ImagesTableName"])["Items"]
    keys = [row["pk"]["S"] for row in rows]
    return found + [key for key in keys if key != "window" and not key.startswith("count#")]  # of images: they say 0


def test_a_stack_that_is_well_has_no_fault_and_keeps_nothing_of_the_check(patient: Patient) -> None:
    account, stack = patient.account(), patient.stack()
    assert wrong(account + stack) == {}
    assert {one.subject for one in account + stack if one.verdict == Verdict.NOT_CHECKED} == set()
    assert {"upload", "signed URLs", "UploadsQueue", "OnnxLayer", "training image"} <= {one.subject for one in stack}
    assert left_behind(patient) == []


@contextmanager
def missing_right(patient: Patient) -> Iterator[None]:
    """The role of register_images may not write the ledger any more."""
    iam, role = patient.client("iam"), patient.id_of("RegisterImagesFunctionRole")
    name = next(
        name for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        if "WriteLedger" in json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    )  # fmt: skip
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != "WriteLedger"]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps({**policy, "Statement": kept}))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


@contextmanager
def wrong_layer(patient: Patient) -> Iterator[None]:
    """predict has lost the layer with numpy, Pillow and onnxruntime."""
    functions, name = patient.client("lambda"), patient.id_of("PredictFunction")
    layers = [layer["Arn"] for layer in functions.get_function_configuration(FunctionName=name)["Layers"]]
    (onnx,) = (one.id for one in patient.deployed.of_kind("AWS::Lambda::LayerVersion") if one.name.startswith("Onnx"))
    functions.update_function_configuration(FunctionName=name, Layers=[one for one in layers if one != onnx])
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Layers=layers)
        functions.get_waiter("function_updated_v2").wait(FunctionName=name)


@contextmanager
def broken_function(patient: Patient) -> Iterator[None]:
    """register_images can't be loaded. The local run finds a layer's packages beside it, so its handler stands in."""
    functions, name = patient.client("lambda"), patient.id_of("RegisterImagesFunction")
    functions.update_function_configuration(FunctionName=name, Handler="application.handler")
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Handler="app.handler")
        functions.get_waiter("function_updated_v2").wait(FunctionName=name)


@contextmanager
def quota_of_zero(patient: Patient) -> Iterator[None]:
    """The account has no instance for training."""
    file = patient.local.home / "quotas.json"
    file.write_text(json.dumps({"ml.m5.xlarge for training job usage": 0}))
    try:
        yield
    finally:
        file.unlink()


@contextmanager
def blocked_queue(patient: Patient) -> Iterator[None]:
    """Nobody reads the queue of uploads."""
    functions, mapping = patient.client("lambda"), patient.id_of("RegisterImagesFunctionUploads")
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping, Enabled=True)


@contextmanager
def dead_letter(patient: Patient) -> Iterator[None]:
    sqs, queue = patient.client("sqs"), patient.id_of("DeploymentsDeadLetterQueue")
    sqs.send_message(QueueUrl=queue, MessageBody="{}")
    try:
        yield
    finally:
        sqs.purge_queue(QueueUrl=queue)


@contextmanager
def rule_off(patient: Patient) -> Iterator[None]:
    events, rule = patient.client("events"), patient.id_of("DeployModelModelApproved")
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


@contextmanager
def silent_bucket(patient: Patient) -> Iterator[None]:
    s3, bucket = patient.client("s3"), patient.id_of("ImagesBucket")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        on: Any = {"EventBridgeConfiguration": {}}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=on)


@contextmanager
def stopped_function(patient: Patient) -> Iterator[None]:
    functions, name = patient.client("lambda"), patient.id_of("ApproveModelFunction")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        functions.delete_function_concurrency(FunctionName=name)


@contextmanager
def disabled_key(patient: Patient) -> Iterator[None]:
    kms, key = patient.client("kms"), patient.id_of("DataKey")
    kms.disable_key(KeyId=key)
    try:
        yield
    finally:
        kms.enable_key(KeyId=key)


@contextmanager
def lost_image(patient: Patient) -> Iterator[None]:
    """Somebody has deleted the training image from the registry."""
    ecr, name = patient.client("ecr"), patient.id_of("TrainingImageRepository")
    tag = {"imageTag": code_digest()}
    image = ecr.batch_get_image(repositoryName=name, imageIds=[tag])["images"][0]
    ecr.batch_delete_image(repositoryName=name, imageIds=[tag])
    try:
        yield
    finally:
        kept = {key: image[key] for key in ("imageManifest", "imageManifestMediaType") if key in image}
        ecr.put_image(repositoryName=name, imageTag=code_digest(), **kept)


@contextmanager
def loud_alarm(patient: Patient) -> Iterator[None]:
    cloudwatch, alarm = patient.client("cloudwatch"), patient.id_of("UploadsDeadLetters")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    try:
        yield
    finally:
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="test")


@contextmanager
def little_caller(patient: Patient) -> Iterator[None]:
    """Who deploys may do everything but make roles."""
    iam = patient.client("iam")
    iam.create_user(UserName="little")
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="little", PolicyName="little", PolicyDocument=document)
    key = iam.create_access_key(UserName="little")["AccessKey"]
    root, patient.session = (
        patient.session,
        boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], None, "us-east-1"),
    )
    try:
        yield
    finally:
        patient.session = root


Plant = Callable[[Patient], Any]
FAULTS: list[tuple[Plant, bool, dict[str, str]]] = [
    (missing_right, False, {"upload": "not authorized to perform: dynamodb:"}),
    (wrong_layer, False, {"PredictFunction": "its layers are SightlineLayer, and it needs OnnxLayer, SightlineLayer"}),
    (broken_function, False, {"ImagingLayer": "RegisterImagesFunction can't run", "upload": "was not in the ledger"}),
    (quota_of_zero, True, {"quota “ml.m5.xlarge for training job usage”": "it is 0, and one trains"}),
    (blocked_queue, False, {"UploadsQueue": "it is blocked", "upload": "was not in the ledger"}),
    (dead_letter, False, {"DeploymentsDeadLetterQueue": "1 message could not be handled"}),
    (rule_off, False, {"DeployModelModelApproved": "the rule is off"}),
    (silent_bucket, False, {"ImagesBucket": "it sends no events", "upload": "was not in the ledger"}),
    (stopped_function, False, {"ApproveModelFunction": "its reserved concurrency is 0"}),
    (disabled_key, False, {"DataKey": "the key is Disabled"}),
    (lost_image, False, {"training image": "was built and is gone"}),
    (loud_alarm, False, {"alarm": "Uploads could not be registered"}),
    (little_caller, True, {"rights": "may not iam:CreateRole"}),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "of_account", "named"), FAULTS, ids=[plant.__name__ for plant, *_ in FAULTS])
def test_a_planted_fault_is_named_in_its_own_line(
    patient: Patient, plant: Plant, of_account: bool, named: dict[str, str]
) -> None:
    with plant(patient):
        found = wrong(patient.account() if of_account else patient.stack())
    lines = {subject.split()[0] if subject.startswith("alarm") else subject: text for subject, text in found.items()}
    print(json.dumps(lines, indent=1, ensure_ascii=False))
    assert lines.keys() >= named.keys()
    assert {subject: part in lines[subject] for subject, part in named.items()} == dict.fromkeys(named, True)


def test_after_all_faults_are_healed_the_stack_is_well(patient: Patient) -> None:
    assert wrong(patient.account() + patient.stack()) == {}
    assert left_behind(patient) == []
