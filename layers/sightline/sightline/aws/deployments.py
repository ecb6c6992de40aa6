"""The roll-out of a thing group in DynamoDB (one item for one group), and the answer to the workflow that waits for it.

Every write is conditional, so of two that race one wins and the other one sees it.
"""

import json
import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

from sightline import deployment as rules
from sightline.aws.items import Table
from sightline.deployment import Components, HealthReport, Rollout, RolloutInProgressError

_step_functions = boto3.client("stepfunctions")

GONE_TOKENS = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")  # the workflow went on without the answer


class Deployments:
    """The roll-out of one thing group."""

    def __init__(self, table: str, group_arn: str) -> None:
        self.table = Table(table)
        self.key = {"pk": f"group#{group_arn}"}

    def current(self) -> dict[str, Any] | None:
        return self.table.get(self.key)

    def begin(
        self,
        rollout: Rollout,
        before: dict[str, Any] | None,
        *,
        task_token: str,
        deadline: int,
        things: list[str],
        components: Components,
        previous: Components,
    ) -> dict[str, Any]:
        """Make `rollout` the group's, if the record still is `before`. Raises RolloutInProgressError when it is not."""
        values = {
            "execution": rollout.execution,
            "model_version": rollout.model_version,
            "approved_at": rollout.approved_at,
            "status": rules.WAITING,
            "task_token": task_token,
            "deadline": deadline,
            "things": things,
            "components": components,
            "previous": previous,
            "started_at": int(time.time()),
        }
        condition, seen = "attribute_not_exists(pk)", {}
        if before:
            condition = "#execution = :seen_execution AND #status = :seen_status"
            seen = {"seen_execution": before["execution"], "seen_status": before["status"]}
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        expression = f"SET {sets} REMOVE #healthy, #reason, #answered_at, #deployment_id"
        item = self.table.update(self.key, expression, values | seen, condition=condition)
        if item is None:
            raise RolloutInProgressError("another roll-out took the group in the same moment")
        return item

    def resume(self, execution: str, *, task_token: str, deadline: int) -> dict[str, Any]:
        """The workflow waits anew, with another token. Raises RolloutInProgressError when the record just changed."""
        values = {"token": task_token, "deadline": deadline, "mine": execution, "waiting": rules.WAITING}
        expression, condition = (
            "SET #task_token = :token, #deadline = :deadline",
            "#execution = :mine AND #status = :waiting",
        )
        item = self.table.update(self.key, expression, values, condition=condition)
        if item is None:
            raise RolloutInProgressError("the roll-out was settled in the same moment")
        return item

    def note_deployment(self, execution: str, deployment_id: str) -> None:
        self.table.update(
            self.key,
            "SET #deployment_id = :id",
            {"id": deployment_id, "mine": execution},
            condition="#execution = :mine",
        )

    def record(self, report: HealthReport, execution: str) -> dict[str, Any] | None:
        """Count a report for the roll-out of `execution`; answers the record, settled if this report settles it.

        None when it does not wait any more.
        """
        mine = {"mine": execution, "waiting": rules.WAITING}
        waits = "#execution = :mine AND #status = :waiting"
        if not report.healthy:
            values = {"status": rules.UNHEALTHY, "reason": f"{report.thing}: {report.reason or 'no reason given'}"}
            return self.table.update(
                self.key, "SET #status = :status, #reason = :reason", values | mine, condition=waits
            )
        item = self.table.update(self.key, "ADD #healthy :things", {"things": {report.thing}} | mine, condition=waits)
        if item is None or not rules.all_healthy(item):
            return item
        return self.table.update(self.key, "SET #status = :status", {"status": rules.HEALTHY} | mine, condition=waits)

    def answer(self, item: dict[str, Any]) -> bool:
        """Tell the workflow of a settled record how it went; False when it had gone on without that."""
        told = True
        try:
            if item["status"] == rules.HEALTHY:
                _step_functions.send_task_success(taskToken=item["task_token"], output=json.dumps(outcome(item)))
            else:
                _step_functions.send_task_failure(
                    taskToken=item["task_token"], error=rules.DeviceUnhealthyError.__name__, cause=item["reason"]
                )
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE_TOKENS:
                raise
            told = False
        values = {"now": int(time.time()), "token": item["task_token"]}
        self.table.update(self.key, "SET #answered_at = :now", values, condition="#task_token = :token")
        return told

    def begin_roll_back(self, execution: str) -> dict[str, Any] | None:
        """From now on health reports change nothing. None when the group's roll-out is not of `execution`."""
        return self.table.update(
            self.key,
            "SET #status = :status",
            {"status": rules.ROLLING_BACK, "mine": execution},
            condition="#execution = :mine",
        )

    def end_roll_back(self, execution: str, deployment_id: str) -> None:
        self.table.update(
            self.key,
            "SET #status = :status, #roll_back_id = :id",
            {"status": rules.ROLLED_BACK, "id": deployment_id, "mine": execution},
            condition="#execution = :mine",
        )


def outcome(item: dict[str, Any]) -> dict[str, Any]:
    """What a settled roll-out tells its workflow. `deployment_id` is null when it was answered by an earlier one."""
    fields = {"model_version": item["model_version"], "things": len(item["things"])}
    return {**fields, "deployment_id": item.get("deployment_id")}


def answer_done(item: dict[str, Any], task_token: str) -> None:
    """Answer the workflow `task_token` with a roll-out that is healthy already."""
    _step_functions.send_task_success(taskToken=task_token, output=json.dumps(outcome(item)))
