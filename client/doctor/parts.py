"""The parts of a stack, each looked at where it is: what CloudFormation made may have been changed by hand since."""

from collections.abc import Iterable

from client.doctor.deployed import Deployed, Resource
from client.doctor.findings import Finding, Findings, note, ok, wrong

# What is off because a parameter says so.
SWITCHES = {"ScoreBatchRegularly": "ScoringScheduleState", "TrainModelRegularly": "TrainingScheduleState"}
AGAIN = "run `sam deploy` again"
CHANGED_BY_HAND = "somebody has changed it; change it back (a new `sam deploy` does not)"


def status(stack: Deployed) -> Findings:
    if stack.status.endswith("_IN_PROGRESS"):
        return [note("stack", f"{stack.status}", "ask again when it has ended")]
    if stack.status.endswith("_COMPLETE") and "ROLLBACK" not in stack.status:
        return [ok("stack", f"{stack.stack} is {stack.status}")]
    said = f"{stack.stack} is {stack.status}" + (f" ({stack.reason})" if stack.reason else "")
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        # The stack is whole. No update changes this status where the release to come is the one that it runs.
        return [note("stack", f"{said}: the last update was taken back", "its events in CloudFormation say why")]
    return [wrong("stack", said, "read its events in CloudFormation, mend the cause, and deploy again")]


def outputs(stack: Deployed, expected: Iterable[str]) -> Findings:
    if not stack.outputs:
        return [wrong("outputs", "it has none: it is not deployed to the end, or no Sightline stack", AGAIN)]
    missing = sorted(set(expected) - stack.outputs.keys())
    if missing:
        return [wrong("outputs", f"there is no {', '.join(missing)}", f"the stack is of another version: {AGAIN}")]
    return [ok("outputs", f"all {len(stack.outputs)} are there")]


def queues(stack: Deployed) -> Findings:
    """Look for messages that nobody handles: in dead-letter queues, and where a queue's reader is off."""
    return [finding for queue in stack.of_kind("AWS::SQS::Queue") for finding in _queue(stack, queue)]


def _queue(stack: Deployed, queue: Resource) -> list[Finding]:
    asked = stack.aws.sqs.get_queue_attributes(QueueUrl=queue.id, AttributeNames=["All"])["Attributes"]
    waiting = int(asked["ApproximateNumberOfMessages"]) + int(asked["ApproximateNumberOfMessagesNotVisible"])
    if queue.name.endswith("DeadLetterQueue"):
        if waiting:
            todo = "read them with `aws sqs receive-message`, mend the cause, and start a redrive in the SQS console"
            return [wrong(queue.name, f"{_messages(waiting)} could not be handled", todo)]
        return [ok(queue.name, "empty")]
    readers = [
        mapping
        for page in stack.aws.lambda_.get_paginator("list_event_source_mappings").paginate(
            EventSourceArn=asked["QueueArn"]
        )
        for mapping in page["EventSourceMappings"]
    ]
    off = [mapping for mapping in readers if mapping.get("State") not in ("Enabled", "Enabling", "Updating")]
    if off or not readers:
        said = f"is {off[0].get('State', 'gone')}" if off else "is gone"
        todo = f"`aws lambda update-event-source-mapping --enabled --uuid {off[0]['UUID']}`" if off else AGAIN
        return [
            wrong(queue.name, f"it is blocked: the mapping to its function {said}; {_messages(waiting)} in it", todo)
        ]
    return [ok(queue.name, f"it is read; {_messages(waiting)} in it")]


def _messages(number: int) -> str:
    return f"{number} message" + ("" if number == 1 else "s")


def state_machines(stack: Deployed) -> Findings:
    found = []
    for machine in stack.of_kind("AWS::StepFunctions::StateMachine"):
        said = stack.aws.step_functions.describe_state_machine(stateMachineArn=machine.id)["status"]
        if said == "ACTIVE":
            found.append(ok(machine.name, "active"))
        else:
            found.append(wrong(machine.name, f"the state machine is {said}", AGAIN))
    return found


def rules(stack: Deployed) -> Findings:
    """Look at what starts the workflows: rules of events, and schedules."""
    events, scheduler, found = stack.aws.client("events"), stack.aws.client("scheduler"), list[Finding]()
    for rule in stack.of_kind("AWS::Events::Rule"):
        name = rule.id.rsplit("/", 1)[-1].rsplit("|", 1)[-1]
        if events.describe_rule(Name=name)["State"] != "ENABLED":
            found.append(wrong(rule.name, "the rule is off", f"`aws events enable-rule --name {name}`"))
        elif not events.list_targets_by_rule(Rule=name)["Targets"]:
            found.append(wrong(rule.name, "the rule has no target", CHANGED_BY_HAND))
        else:
            found.append(ok(rule.name, "the rule is on"))
    for schedule in stack.of_kind("AWS::Scheduler::Schedule"):
        state = scheduler.get_schedule(Name=schedule.id.rsplit("/", 1)[-1])["State"]
        if state == stack.parameters.get(SWITCHES.get(schedule.name, ""), "ENABLED"):
            found.append(
                ok(schedule.name, "the schedule is on" if state == "ENABLED" else "the schedule is off, as set")
            )
        else:
            found.append(wrong(schedule.name, f"the schedule is {state}", CHANGED_BY_HAND))
    return found


def key(stack: Deployed) -> Findings:
    state = stack.aws.client("kms").describe_key(KeyId=stack.id_of("DataKey"))["KeyMetadata"]["KeyState"]
    if state == "Enabled":
        return [ok("DataKey", "enabled")]
    todo = "`aws kms cancel-key-deletion`, then `enable-key`" if state == "PendingDeletion" else "`aws kms enable-key`"
    return [wrong("DataKey", f"the key is {state}: nothing that it encrypts can be read", f"{todo} at once")]


def buckets(stack: Deployed) -> Findings:
    s3, found = stack.aws.s3, list[Finding]()
    for name in ("ImagesBucket", "ArtifactsBucket"):
        bucket = stack.id_of(name)
        if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            found.append(wrong(name, "it keeps no versions", CHANGED_BY_HAND))
        elif name == "ImagesBucket" and (
            "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket=bucket)
        ):
            found.append(wrong(name, "it sends no events: uploads are found by the daily sweep alone",
                               "switch Amazon EventBridge on in the bucket's properties"))  # fmt: skip
        else:
            found.append(ok(name, "keeps versions" + (", sends events" if name == "ImagesBucket" else "")))
    return found


def notifications(stack: Deployed) -> Findings:
    """Look whether somebody is told when something breaks."""
    pages = stack.aws.sns.get_paginator("list_subscriptions_by_topic").paginate(
        TopicArn=stack.outputs["NotificationTopicArn"]
    )
    told = [one for page in pages for one in page["Subscriptions"]]
    waiting = [one["Endpoint"] for one in told if one["SubscriptionArn"] == "PendingConfirmation"]
    if waiting:
        return [wrong("notifications", f"{', '.join(waiting)} gets none yet", "confirm the mail that SNS has sent")]
    if not told:
        return [note("notifications", "nobody is told when something breaks", "set the parameter AlarmEmail")]
    return [ok("notifications", f"{len(told)} are told when something breaks")]


def alarms(stack: Deployed) -> Findings:
    names = [alarm.id for alarm in stack.of_kind("AWS::CloudWatch::Alarm")]
    client, loud = stack.aws.client("cloudwatch"), list[Finding]()
    for start in range(0, len(names), 100):
        pages = client.get_paginator("describe_alarms").paginate(AlarmNames=names[start : start + 100])
        for page in pages:
            for alarm in page["MetricAlarms"]:
                if alarm["StateValue"] == "ALARM":
                    said = alarm.get("AlarmDescription") or alarm.get("StateReason", "")
                    todo = "see docs/how-to/check-a-deployment.md#alarms"
                    loud.append(wrong(f"alarm {alarm['AlarmName']}", said.rstrip("."), todo))
    return loud or [ok("alarms", f"none of {len(names)} is on")]
