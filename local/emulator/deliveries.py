"""What AWS services deliver to queues and topics, under the policies of the queue, of the topic and of their key.

The emulator delivers without asking. On AWS an event that EventBridge may not encrypt, or may not send, is lost, and so
is an alarm's message: nobody is told.
"""

import json
import logging
from contextvars import ContextVar
from typing import Any, NamedTuple

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import Structure

logger = logging.getLogger("sightline.deliveries")

EVENTS, CLOUDWATCH = "events.amazonaws.com", "cloudwatch.amazonaws.com"
ENCRYPTS = ("kms:GenerateDataKey", "kms:Decrypt")  # what a service needs of the key to send to an encrypted place

_rule: ContextVar[str] = ContextVar("rule", default="")  # the ARN of the rule whose target is invoked


class Refusal(NamedTuple):
    """Who may not do what: for the emulator's log."""

    service: str
    action: str
    resource: str


def refusal(service: str, place: Structure, send: str, arn: str, source: str) -> Refusal | None:
    """Return what keeps a service from sending to a queue or topic; None when nothing does.

    `place` has the attributes `Policy` and `KmsMasterKeyId`. The key's policy gets no account and no source of the
    request, as if the service named none to KMS: the guides' statements have no condition, and one without a condition
    works either way. Sources: EventBridge user guide, "My events are not delivered to the target Amazon SQS queue";
    CloudWatch user guide, "Notifying users on alarm changes".
    """
    sent = {"aws:sourcearn": source, "aws:sourceaccount": ACCOUNT}
    if not _allows(place.get("Policy"), service, send, arn, sent):
        return Refusal(service, send, arn)
    key = place.get("KmsMasterKeyId")
    if key:
        from ministack.services import kms

        record = kms._resolve_key(key)
        if record is None:  # a key of AWS, whose policy nobody can change
            return Refusal(service, ENCRYPTS[0], str(key))
        for action in ENCRYPTS:
            if not _allows(record.get("Policy"), service, action, record["Arn"], {}):
                return Refusal(service, action, record["Arn"])
    return None


def _allows(policy: str | Structure | None, service: str, action: str, arn: str, context: dict[str, str]) -> bool:
    from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

    asked = EvalContext(
        principal_arn=f"arn:aws:sts::000000000000:assumed-role/{service}/service",
        principal_type="AWSService",
        principal_account="aws",
        action=action,
        resource_arn=arn,
        region=REGION,
        service_context=dict(context),
    )
    document: Structure | None = json.loads(policy) if isinstance(policy, str) and policy else policy or None
    statements = _named(document, service) if isinstance(document, dict) else []
    return str(evaluate_resource_policy({"Statement": statements}, asked, service).decision) == "Allow"


def _named(document: Structure, service: str) -> list[Structure]:
    """Return the statements that name the service, or everybody: an account's own rights are not a service's."""
    from ministack.core.iam_evaluator import _service_principal_matches

    found = document.get("Statement", [])
    return [
        statement
        for statement in (found if isinstance(found, list) else [found])
        if statement.get("Principal") == "*" or _service_principal_matches(statement.get("Principal"), service)
    ]


def register() -> None:
    """Let the emulator of this process ask before it delivers."""
    from ministack.services import cloudwatch, eventbridge, sns, sqs

    invoke, to_queue, run_actions = (
        eventbridge._invoke_target,
        eventbridge._dispatch_to_sqs,
        cloudwatch._dispatch_alarm_actions,
    )

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        token = _rule.set(str(rule.get("Arn", "")) if isinstance(rule, dict) else "")
        try:
            return invoke(target, event, rule, view)
        finally:
            _rule.reset(token)

    def dispatch_to_sqs(spec: Any, payload: Any, sqs_parameters: Any = None) -> Any:
        queue, rule = sqs._queue_by_arn(str(spec)), _rule.get()
        if queue and ":rule/" in rule:
            refused = refusal(EVENTS, queue["attributes"], "sqs:SendMessage", str(spec), rule)
            if refused:
                logger.error("an event of %s is lost: %s may not %s on %s", rule, *refused)
                return None
        return to_queue(spec, payload, sqs_parameters)

    def dispatch_alarm_actions(alarm: Any, old_state: Any, new_state: Any, reason: Any) -> Any:
        given = dict(alarm)
        for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            given[name] = [arn for arn in alarm.get(name) or [] if _may_notify(arn, alarm)]
        return run_actions(given, old_state, new_state, reason)

    def _may_notify(arn: str, alarm: Structure) -> bool:
        topic = sns._topic_by_arn_any_scope(arn)
        refused = topic and refusal(CLOUDWATCH, topic["attributes"], "sns:Publish", arn, str(alarm.get("AlarmArn", "")))
        if refused:
            logger.error("alarm %s tells nobody: %s may not %s on %s", alarm.get("AlarmName"), *refused)
        return not refused

    eventbridge._invoke_target, eventbridge._dispatch_to_sqs = invoke_target, dispatch_to_sqs
    cloudwatch._dispatch_alarm_actions = dispatch_alarm_actions
