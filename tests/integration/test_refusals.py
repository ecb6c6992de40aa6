"""What AWS refuses, the emulator refuses: docs/reference/aws-facts.md names the test of each."""

import hashlib
import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.account import ACCOUNT, REGION
from tests.empty_account import Account, started

RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMaker{{}}JobsRule"
RULES = [RULE.format(kind) for kind in ("Training", "Labeling")]
TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
})  # fmt: skip
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An empty account: `client(service)` is root's."""
    with started(tmp_path_factory.mktemp("emulator")) as account:
        yield account


@pytest.fixture
def as_user(account: Account, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`as_user(service, actions, resources)`: a client of somebody who may do that and nothing else."""

    def connect(service: str, actions: list[str], resources: list[str]) -> Any:
        iam, name = account.client("iam"), f"user-{abs(hash((request.node.name, service, *resources)))}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="little", PolicyDocument=document(actions, resources))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=account.endpoint,
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    return connect


def document(actions: list[str], resources: list[str], **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def workflow_role(account: Account, name: str, rules: list[str]) -> str:
    """A role for Step Functions that may manage these rules, and nothing else."""
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trusted = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam = account.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    actions = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
    iam.put_role_policy(RoleName=name, PolicyName="rules", PolicyDocument=document(actions, rules))
    return str(arn)


def waiting_for(*jobs: str) -> str:
    """A definition that never runs its jobs, and has them all the same."""
    states: dict[str, Any] = {
        job: {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{job}.sync", "Parameters": {}, "End": True}
        for job in jobs
    }
    return json.dumps({"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}, **states}})


def test_a_state_machine_needs_the_managed_rule_of_each_job_in_its_definition(account: Account) -> None:
    states, definition = account.client("stepfunctions"), waiting_for("createTrainingJob", "createLabelingJob")
    poor = workflow_role(account, "poor", RULES[:1])
    with pytest.raises(ClientError, match=r"AccessDenied.*not authorized to create managed-rule.*createLabelingJob"):
        states.create_state_machine(name="poor", definition=definition, roleArn=poor)
    rich = workflow_role(account, "rich", RULES)
    machine = states.create_state_machine(name="rich", definition=definition, roleArn=rich)["stateMachineArn"]
    with pytest.raises(ClientError, match="not authorized to create managed-rule"):
        states.update_state_machine(stateMachineArn=machine, roleArn=poor)


def test_a_stack_with_such_a_state_machine_rolls_back(account: Account) -> None:
    definition = waiting_for("createTrainingJob", "createLabelingJob")
    properties = {"RoleArn": workflow_role(account, "stack", RULES[:1]), "DefinitionString": definition}
    resources = {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="refused", TemplateBody=json.dumps({"Resources": resources}))
    events = until(
        lambda: [
            event
            for event in cloudformation.describe_stack_events(StackName="refused")["StackEvents"]
            if event["ResourceStatus"] == "CREATE_FAILED" and event["LogicalResourceId"] == "Machine"
        ]
    )
    assert "not authorized to create managed-rule" in events[0]["ResourceStatusReason"]


def test_models_are_listed_with_a_right_on_the_packages_not_on_the_group(account: Account, as_user: Any) -> None:
    account.client("sagemaker").create_model_package_group(ModelPackageGroupName="models")
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package"
    allowed = as_user("sagemaker", ["sagemaker:ListModelPackages"], [f"{arn}/models/*"])
    assert allowed.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"] == []
    refused = as_user("sagemaker", ["sagemaker:ListModelPackages"], [f"{arn}-group/models"])
    with pytest.raises(ClientError, match=r"AccessDenied.*sagemaker:ListModelPackages"):
        refused.list_model_packages(ModelPackageGroupName="models")


def test_messages_are_sent_in_batches_with_the_right_to_send_one(account: Account, as_user: Any) -> None:
    url = account.client("sqs").create_queue(QueueName="batches")["QueueUrl"]
    actions = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"]
    sqs = as_user("sqs", actions, [f"{QUEUE}batches"])
    sent = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "one"}])
    assert [entry["Id"] for entry in sent["Successful"]] == ["a"]
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    entries = [{"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}]
    assert [entry["Id"] for entry in sqs.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]] == ["a"]


def test_a_group_that_has_packages_is_not_deleted(account: Account) -> None:
    sagemaker, name = account.client("sagemaker"), "kept"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    package = sagemaker.create_model_package(ModelPackageGroupName=name)["ModelPackageArn"]
    with pytest.raises(ClientError, match=f"ConflictException.*{name} still has model packages"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    sagemaker.delete_model_package(ModelPackageName=package)
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def test_the_right_to_read_a_bucket_is_not_the_right_to_know_where_it_is(account: Account, as_user: Any) -> None:
    account.client("s3").create_bucket(Bucket="components")
    reader = as_user("s3", ["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::components", "arn:aws:s3:::components/*"])
    reader.list_objects_v2(Bucket="components")
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.get_bucket_location(Bucket="components")


KEY_FOR_EVENTS = {
    "Sid": "EventBridgeDelivers",
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
    "Resource": "*",
}
OF_THIS_ACCOUNT = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}


@pytest.mark.parametrize(
    ("name", "key_statement", "queue_names_the_rule", "arrives"),
    [
        ("plain", None, True, True),
        ("silent", None, False, False),
        ("open", KEY_FOR_EVENTS, True, True),
        ("conditioned", KEY_FOR_EVENTS | OF_THIS_ACCOUNT, True, False),
        ("closed", {}, True, False),
    ],
)
def test_an_event_arrives_where_the_policies_of_queue_and_key_let_eventbridge_send(
    account: Account, name: str, key_statement: dict[str, Any] | None, queue_names_the_rule: bool, arrives: bool
) -> None:
    sqs, events = account.client("sqs"), account.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"test.{name}"]}))["RuleArn"]
    attributes = {}
    if queue_names_the_rule:
        by_events = {"Service": "events.amazonaws.com"}
        condition = {"ArnEquals": {"aws:SourceArn": rule}}
        attributes["Policy"] = document(["sqs:SendMessage"], [QUEUE + name], Principal=by_events, Condition=condition)
    if key_statement is not None:
        attributes["KmsMasterKeyId"] = key(account, [key_statement] if key_statement else [])
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": QUEUE + name}])
    events.put_events(Entries=[{"Source": f"test.{name}", "DetailType": "test", "Detail": "{}"}])
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1 if not arrives else 5).get("Messages", [])
    assert bool(got) is arrives


@pytest.mark.parametrize(("name", "with_key", "arrives"), [("told", True, True), ("untold", False, False)])
def test_an_alarm_tells_people_where_the_policies_of_topic_and_key_let_cloudwatch_publish(
    account: Account, name: str, with_key: bool, arrives: bool
) -> None:
    sns, sqs, cloudwatch = (account.client(service) for service in ("sns", "sqs", "cloudwatch"))
    by_alarms = {"Service": "cloudwatch.amazonaws.com"}
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
    own = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
    attributes = {
        "Policy": document(["sns:Publish"], [topic], Principal=by_alarms, **own),
        "KmsMasterKeyId": key(account, [KEY_FOR_EVENTS | {"Principal": by_alarms}] if with_key else []),
    }
    sns.create_topic(Name=name, Attributes=attributes)
    by_topics = {"Principal": {"Service": "sns.amazonaws.com"}}
    people = {"Policy": document(["sqs:SendMessage"], [f"{QUEUE}people-{name}"], **by_topics)}
    url = sqs.create_queue(QueueName=f"people-{name}", Attributes=people)["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{QUEUE}people-{name}")
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="Test", MetricName="Failed", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold", AlarmActions=[topic],
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1 if not arrives else 5).get("Messages", [])
    assert bool(got) is arrives


def key(account: Account, statements: list[dict[str, Any]]) -> str:
    """A key whose policy gives its account all rights, and what `statements` say."""
    of_account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    administer = {"Effect": "Allow", "Principal": of_account, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [administer, *statements]})
    return str(account.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"])


def until(found: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "this never happened"
        time.sleep(0.1)
    return answer


def test_a_subject_is_100_characters_of_plain_text(account: Account) -> None:
    sns = account.client("sns")
    topic = sns.create_topic(Name="subjects")["TopicArn"]
    sns.publish(TopicArn=topic, Subject="x" * 100, Message="m")
    for subject in ("x" * 101, "two\nlines", "naïve", " space"):
        with pytest.raises(ClientError, match=r"InvalidParameter.*Subject"):
            sns.publish(TopicArn=topic, Subject=subject, Message="m")


def test_an_object_has_a_key_of_1024_bytes_and_metadata_of_2_kb(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="limits")
    s3.put_object(Bucket="limits", Key="k" * 1024, Body=b"", Metadata={"a": "x" * 2000})
    with pytest.raises(ClientError, match="KeyTooLongError"):
        s3.put_object(Bucket="limits", Key="é" * 513, Body=b"")
    with pytest.raises(ClientError, match="MetadataTooLarge"):
        s3.put_object(Bucket="limits", Key="k", Body=b"", Metadata={"a": "x" * 2048})


def test_an_execution_has_a_name_of_80_characters_and_an_input_of_256_kb(account: Account) -> None:
    states = account.client("stepfunctions")
    machine = states.create_state_machine(
        name="limits", definition=waiting_for(), roleArn=workflow_role(account, "limits", RULES)
    )["stateMachineArn"]
    states.start_execution(stateMachineArn=machine, name="n" * 80, input=json.dumps("x" * 262_000))
    with pytest.raises(ClientError, match=r"ValidationException.*length less than or equal to 262144"):
        states.start_execution(stateMachineArn=machine, input=json.dumps("x" * 262_144))
    with pytest.raises(ClientError, match=r"ValidationException.*length less than or equal to 80"):
        states.start_execution(stateMachineArn=machine, name="n" * 81, input="{}")
    with pytest.raises(ClientError, match="InvalidName"):
        states.start_execution(stateMachineArn=machine, name="a b", input="{}")


def test_a_name_of_an_execution_is_used_once(account: Account) -> None:
    states = account.client("stepfunctions")
    machine = states.create_state_machine(
        name="once", definition=waiting_for(), roleArn=workflow_role(account, "once", RULES)
    )["stateMachineArn"]
    states.start_execution(stateMachineArn=machine, name="same", input='{"a": 1}')
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(stateMachineArn=machine, name="same", input='{"a": 2}')


def test_batches_and_items_have_their_limits(account: Account) -> None:
    sqs, dynamodb, events = (account.client(service) for service in ("sqs", "dynamodb", "events"))
    url = sqs.create_queue(QueueName="limits")["QueueUrl"]
    with pytest.raises(ClientError, match="TooManyEntriesInBatchRequest"):
        entries = [{"Id": str(number), "MessageBody": "x"} for number in range(11)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    key = [{"AttributeName": "pk", "AttributeType": "S"}]
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}]
    with pytest.raises(ClientError, match="not used"):
        extra = [*key, {"AttributeName": "z", "AttributeType": "S"}]
        dynamodb.create_table(
            TableName="limits", AttributeDefinitions=extra, KeySchema=keys, BillingMode="PAY_PER_REQUEST"
        )
    dynamodb.create_table(TableName="limits", AttributeDefinitions=key, KeySchema=keys, BillingMode="PAY_PER_REQUEST")
    put = [{"Put": {"TableName": "limits", "Item": {"pk": {"S": str(number)}}}} for number in range(101)]
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.transact_write_items(TransactItems=put)
    with pytest.raises(ClientError, match="Item size"):
        dynamodb.put_item(TableName="limits", Item={"pk": {"S": "a"}, "b": {"S": "x" * 410_000}})
    with pytest.raises(ClientError, match="ValidationException"):
        events.put_events(Entries=[{"Source": "a", "DetailType": "b", "Detail": "{}"}] * 11)


def budget_stack(account: Account, name: str, subscribers: list[dict[str, str]]) -> None:
    notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80}
    properties = {
        "Budget": {"BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY",
                   "BudgetLimit": {"Amount": 100, "Unit": "USD"}},
        "NotificationsWithSubscribers": [{"Notification": notification, "Subscribers": subscribers}],
    }  # fmt: skip
    resources = {"Budget": {"Type": "AWS::Budgets::Budget", "Properties": properties}}
    account.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))


def test_a_budget_is_made_from_a_template_and_goes_with_its_stack(account: Account) -> None:
    budget_stack(account, "told", [{"SubscriptionType": "EMAIL", "Address": "eve@example.com"}])
    budgets = account.client("budgets")

    def made() -> list[str]:
        return [budget["BudgetName"] for budget in budgets.describe_budgets(AccountId=ACCOUNT).get("Budgets", [])]

    assert until(made) == ["told"]
    told = budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName="told")["Notifications"]
    assert [notification["Threshold"] for notification in told] == [80.0]
    account.client("cloudformation").delete_stack(StackName="told")
    assert until(lambda: not made())


def test_a_notification_of_a_budget_needs_somebody_to_tell(account: Account) -> None:
    budget_stack(account, "untold", [])
    events = until(
        lambda: [
            event
            for event in account.client("cloudformation").describe_stack_events(StackName="untold")["StackEvents"]
            if event["ResourceStatus"] == "CREATE_FAILED" and event["LogicalResourceId"] == "Budget"
        ]
    )
    assert "ubscribers" in events[0]["ResourceStatusReason"]


KNOWN = [("test", "test"), (ACCOUNT, "test"), ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")]


@pytest.mark.parametrize("key", [key for key, _ in KNOWN])
@pytest.mark.parametrize("service", ["s3", "iam", "lambda", "sts", "dynamodb"])
def test_keys_that_everybody_knows_open_nothing(account: Account, key: str, service: str) -> None:
    assert refusal(account, service, key, dict(KNOWN)[key]) in (
        "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException",
    )  # fmt: skip


@pytest.mark.parametrize("service", ["s3", "iam", "lambda", "sts", "dynamodb"])
def test_the_name_of_roots_key_is_not_enough(account: Account, service: str) -> None:
    key = account.root["aws_access_key_id"]
    assert refusal(account, service, key, "guessed") in ("SignatureDoesNotMatch", "InvalidSignatureException")


def refusal(account: Account, service: str, key: str, secret: str) -> str:
    """Why a service refuses these keys."""
    make: Any = boto3.client
    client = make(
        service,
        endpoint_url=account.endpoint,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )
    calls = {"s3": "list_buckets", "iam": "list_users", "lambda": "list_functions", "sts": "get_caller_identity"}
    with pytest.raises(ClientError) as caught:
        getattr(client, calls.get(service, "list_tables"))()
    return str(caught.value.response["Error"]["Code"])


def test_nothing_is_open_without_keys(account: Account) -> None:
    """Not even objects, which the emulator would give to everybody."""
    account.client("s3").create_bucket(Bucket="photos-of-ours")
    account.client("s3").put_object(Bucket="photos-of-ours", Key="a", Body=b"secret")
    for method, path in (("GET", "/photos-of-ours/a"), ("PUT", "/photos-of-ours/b"), ("POST", "/_ministack/reset")):
        request = urllib.request.Request(account.endpoint + path, method=method)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request)
    assert account.client("s3").list_objects_v2(Bucket="photos-of-ours")["KeyCount"] == 1


def test_the_keys_of_a_function_do_not_follow_from_its_name(account: Account) -> None:
    """MiniStack's are hashes of the function's ARN, which anybody can tell; these are of a secret, too."""
    role = account.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "import os\n\ndef handler(event, context):\n    return dict(os.environ)\n")
    lambda_client = account.client("lambda")
    made = lambda_client.create_function(
        FunctionName="f", Role=role, Runtime="python3.12", Handler="app.handler", Code={"ZipFile": code.getvalue()}
    )
    digest = hashlib.sha256(f"{made['FunctionArn']}:{role}".encode()).hexdigest()
    given = json.load(lambda_client.invoke(FunctionName="f")["Payload"])
    assert given["AWS_ACCESS_KEY_ID"] != f"ASIA{digest[:16].upper()}"
    assert given["AWS_SECRET_ACCESS_KEY"] != hashlib.sha256(f"secret:{digest}".encode()).hexdigest()
    assert account.root["aws_secret_access_key"] not in given.values()
