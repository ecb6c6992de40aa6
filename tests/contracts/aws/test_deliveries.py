"""What AWS services deliver: to encrypted queues and topics, whose policies and key must let them."""

import json
from typing import Any

import pytest

from local.account import ACCOUNT
from local.emulator import deliveries
from tests.project import ROOT, functions, resources, template
from tests.resolved import Resolver, allows

RESOLVER = Resolver(CanaryGroup="true")


def policies(kind: str, places: str) -> dict[str, dict[str, Any]]:
    """The policy of each queue or topic, by its logical name."""
    return {
        place["Ref"]: RESOLVER.value(entry["Properties"]["PolicyDocument"])
        for entry in resources(kind).values()
        for place in entry["Properties"][places]
    }


def fed_queues() -> dict[str, set[str]]:
    """Each queue that a rule of EventBridge sends to, as a target or for what it could not deliver: the rules."""
    found: dict[str, set[str]] = {}
    for name, rule in resources("AWS::Events::Rule").items():
        for target in rule["Properties"]["Targets"]:
            for arn in (target["Arn"], target.get("DeadLetterConfig", {}).get("Arn")):
                queue = arn["Fn::GetAtt"].split(".")[0] if arn else ""
                if queue in resources("AWS::SQS::Queue"):
                    found.setdefault(queue, set()).add(name)
    return found


@pytest.mark.parametrize("queue", sorted(fed_queues()))
def test_eventbridge_may_send_to_every_queue_that_a_rule_names(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"Policy": json.dumps(policies("AWS::SQS::QueuePolicy", "Queues")[queue]), **encrypted(queue, monkeypatch)}
    arn = RESOLVER.value({"Fn::GetAtt": f"{queue}.Arn"})
    for rule in fed_queues()[queue]:
        source = RESOLVER.value({"Fn::GetAtt": f"{rule}.Arn"})
        assert deliveries.refusal(deliveries.EVENTS, place, "sqs:SendMessage", arn, source) is None
    other = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/of-somebody-else"
    assert deliveries.refusal(deliveries.EVENTS, place, "sqs:SendMessage", arn, other) is not None


def test_alarms_may_publish_to_the_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    document = policies("AWS::SNS::TopicPolicy", "Topics")["NotificationTopic"]
    policy = json.dumps(document).replace("123456789012", ACCOUNT)
    place = {"Policy": policy, **encrypted("NotificationTopic", monkeypatch)}
    arn = RESOLVER.value({"Ref": "NotificationTopic"}).replace("123456789012", ACCOUNT)
    assert deliveries.refusal(deliveries.CLOUDWATCH, place, "sns:Publish", arn, "") is None


def encrypted(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The key of a queue or topic, as the emulator would find it."""
    from ministack.services import kms

    assert template()["Resources"][name]["Properties"]["KmsMasterKeyId"] == {"Ref": "DataKey"}
    policy = RESOLVER.value(resources("AWS::KMS::Key")["DataKey"]["Properties"]["KeyPolicy"])
    record = {"Arn": "arn:aws:kms:us-east-1:123456789012:key/0a", "Policy": json.dumps(policy)}
    monkeypatch.setattr(kms, "_resolve_key", lambda _: record)
    return {"KmsMasterKeyId": "0a"}


def readers() -> dict[str, str]:
    """Folder of each function that reads a queue → the logical name of the queue."""
    return {
        folder: event["Properties"]["Queue"]["Fn::GetAtt"].split(".")[0]
        for folder, function in functions().items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    }


@pytest.mark.parametrize("folder", sorted(readers()))
def test_a_reader_of_a_queue_sets_aside_what_can_never_succeed(folder: str) -> None:
    """All in one way: `Inbox`, with the right to send to the dead-letter queue behind the queue."""
    redrive = resources("AWS::SQS::Queue")[readers()[folder]]["Properties"]["RedrivePolicy"]
    dead_letters = redrive["deadLetterTargetArn"]["Fn::GetAtt"].split(".")[0]
    function = functions()[folder]
    assert function["Environment"]["Variables"]["DEAD_LETTERS_URL"] == {"Ref": dead_letters}
    arn = RESOLVER.value({"Fn::GetAtt": f"{dead_letters}.Arn"})
    assert allows(RESOLVER.rights(function["Policies"]), "sqs:SendMessage", arn)
    assert 'Inbox(Queue(aws, os.environ["DEAD_LETTERS_URL"]))' in (ROOT / "functions" / folder / "app.py").read_text()
