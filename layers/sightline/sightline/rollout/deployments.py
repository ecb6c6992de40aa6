"""The roll-out of a fleet in DynamoDB (one item for one fleet), and the answers to the workflow that waits for its
devices.

Every write is conditional, so of two that race one wins and the other one sees it. Beside it one item for each thing:
what it said last of each model version.
"""

import time
from typing import Any

from sightline.aws.clients import Aws
from sightline.aws.table import Table
from sightline.aws.workflows import Callbacks
from sightline.line.messages import Report
from sightline.rollout import deployment as rules
from sightline.rollout.deployment import (
    Components,
    Limits,
    Rollout,
    RolloutInProgressError,
    RolloutSupersededError,
)

MINE = "#execution = :mine"
COUNTING = f"{MINE} AND #status IN (:waiting, :baking)"


class Deployments:
    """The roll-out of one fleet, known by the ARN of its fleet group."""

    def __init__(self, aws: Aws, table: str, group_arn: str) -> None:
        self.table = Table(aws, table)
        self.callbacks = Callbacks(aws)
        self.key = {"pk": f"group#{group_arn}"}

    def current(self) -> dict[str, Any] | None:
        return self.table.get(self.key)

    def owned(self, execution: str) -> dict[str, Any]:
        """The record of `execution`. Raises RolloutSupersededError when another one has the fleet now."""
        item = self.current()
        if item is None or item["execution"] != execution:
            raise RolloutSupersededError("another roll-out has the devices now")
        return item

    def begin(
        self,
        rollout: Rollout,
        before: dict[str, Any] | None,
        *,
        task_token: str,
        hold_seconds: int,
        stages: dict[str, list[str]],
        components: dict[str, Components],
        previous: dict[str, Components],
    ) -> dict[str, Any]:
        """Make `rollout` the fleet's, if the record still is `before`. Raises RolloutInProgressError when it is not.

        `stages`: the things of each, in order. `hold_seconds`: for how long without any report the roll-out keeps the
        fleet.
        """
        values = {
            "execution": rollout.execution,
            "model_version": rollout.model_version,
            "approved_at": rollout.approved_at,
            "stages": list(stages),
            "components": components,
            "previous": previous,
            "deployments": {},
            "hold_seconds": hold_seconds,
            "started_at": int(time.time()),
        }
        values |= self._waiting(task_token, hold_seconds, *next(iter(stages.items())))
        condition, seen = "attribute_not_exists(pk)", {}
        if before:
            condition = "#execution = :seen_execution AND #status = :seen_status"
            seen = {"seen_execution": before["execution"], "seen_status": before["status"]}
        expression = f"{_sets(values)} REMOVE #healthy, #reason, #answered, #bake_until, #stop, #roll_back_ids"
        item = self.table.update(self.key, expression, values | seen, condition=condition)
        if item is None:
            raise RolloutInProgressError("another roll-out took the group in the same moment")
        return item

    @staticmethod
    def _waiting(task_token: str, hold_seconds: int, stage: str, things: list[str]) -> dict[str, Any]:
        return {
            "stage": stage,
            "things": things,
            "status": rules.WAITING,
            "task_token": task_token,
            "deadline": int(time.time()) + hold_seconds,
            "failed": {},
            "bake": {},
        }

    def begin_stage(self, item: dict[str, Any], stage: str, things: list[str], *, task_token: str) -> dict[str, Any]:
        """Go on with the next stage. Raises RolloutInProgressError when the record just changed."""
        values = self._waiting(task_token, item["hold_seconds"], stage, things)
        own = {"mine": item["execution"], "promoted": rules.PROMOTED}
        expression = f"{_sets(values)} REMOVE #healthy, #answered, #bake_until"
        begun = self.table.update(self.key, expression, values | own, condition=f"{MINE} AND #status = :promoted")
        if begun is None:
            raise RolloutInProgressError("the roll-out was settled in the same moment")
        return begun

    def resume(self, item: dict[str, Any], *, task_token: str) -> dict[str, Any]:
        """The workflow waits anew, with another token. Raises RolloutInProgressError when the record just changed."""
        values = {"task_token": task_token, "deadline": int(time.time()) + item["hold_seconds"]}
        own = {"mine": item["execution"], "waiting": rules.WAITING}
        resumed = self.table.update(
            self.key, f"{_sets(values)} REMOVE #answered", values | own, condition=f"{MINE} AND #status = :waiting"
        )
        if resumed is None:
            raise RolloutInProgressError("the roll-out was settled in the same moment")
        return resumed

    def bake(self, execution: str, *, task_token: str, bake_seconds: int) -> dict[str, Any]:
        """The devices of the stage run the model from now on for a while. Raises RolloutSupersededError."""
        item, now = self.owned(execution), int(time.time())
        values = {"task_token": task_token, "deadline": now + item["hold_seconds"], "status": rules.BAKING}
        given = {"until": now + bake_seconds, "mine": execution, "waiting": rules.WAITING, "baking": rules.BAKING}
        baking = self.table.update(
            self.key,
            f"{_sets(values)}, #bake_until = if_not_exists(#bake_until, :until) REMOVE #answered",
            values | given,
            condition=COUNTING,
        )
        if baking is None:
            raise RolloutSupersededError("the roll-out was taken back in the same moment")
        return baking

    def note_deployment(self, item: dict[str, Any], deployment_id: str) -> dict[str, Any] | None:
        """Remember the Greengrass deployment of the current stage."""
        return self.table.update(
            self.key,
            "SET #deployments.#current_stage = :id",
            {"id": deployment_id, "mine": item["execution"]},
            condition=MINE,
            names={"current_stage": item["stage"]},
        )

    # ---------------------------------------------------------------------------------------------------------- reports
    def record(self, report: Report, current: dict[str, Any]) -> dict[str, Any] | None:
        """Count a report for the roll-out `current`; answers the new record, or None when it changes nothing.

        A failure stays one whatever the device says later; a window counts once, in the order in which the device sent
        them.
        """
        # Only a first answer holds the fleet for longer: devices go on talking when the execution behind this is gone.
        news = not report.window and not rules.has_answered(current, report.thing)
        until = {"deadline": int(time.time()) + current["hold_seconds"] if news else current["deadline"]}
        own = {"mine": current["execution"], "waiting": rules.WAITING, "baking": rules.BAKING}
        names = {"which": report.thing}
        if report.window:
            known = current.get("bake", {}).get(report.thing) or {"images": 0, "disagreements": 0, "until": ""}
            window = {
                "images": known["images"] + report.window.images,
                "disagreements": known["disagreements"] + report.window.disagreements,
                "latency_ms": report.window.latency_ms,
                "until": report.window.until,
            }
            values = {"window": window, "since": report.window.since, "seen": known["until"]} | until | own
            fresh = "attribute_not_exists(#bake.#which) OR (#bake.#which.#until = :seen AND :since >= :seen)"
            expression, condition = "SET #bake.#which = :window, #deadline = :deadline", f"{COUNTING} AND ({fresh})"
            if known["until"] > report.window.since:
                return None
        elif report.healthy:
            values = {"things": {report.thing}} | until | own
            expression, condition, names = "ADD #healthy :things SET #deadline = :deadline", COUNTING, {}
        else:
            values = {"reason": report.reason} | until | own
            expression = "SET #failed.#which = if_not_exists(#failed.#which, :reason), #deadline = :deadline"
            condition = COUNTING
        return self.table.update(self.key, expression, values, condition=condition, names=names)

    def fail_silent(self, item: dict[str, Any], reasons: dict[str, str]) -> dict[str, Any]:
        """Count things that said nothing as failed; answers the new record."""
        for thing, reason in sorted(reasons.items()):
            report = Report(thing, "", reason=reason)
            item = self.record(report, item) or self.owned(item["execution"])
        return item

    def wake(self, item: dict[str, Any], limits: Limits, *, news: bool = False) -> bool:
        """Answer the waiting workflow when there is something to decide, else tell it when there was news."""
        if item["status"] not in rules.COUNTING or item.get("answered") == item["task_token"]:
            return False
        due = bool(rules.against(item, limits)) or (item["status"] == rules.WAITING and rules.all_answered(item))
        answer = self.callbacks.succeed if due else self.callbacks.heartbeat
        told = (due or news) and answer(item["task_token"])
        if due and told:
            values = {"token": item["task_token"]}
            self.table.update(self.key, "SET #answered = :token", values, condition="#task_token = :token")
        return due and told

    # -------------------------------------------------------------------------------------------------------- decisions
    def promote(self, item: dict[str, Any], status: str, reason: str) -> None:
        """The stage is through: `status` is PROMOTED or HEALTHY. Raises RolloutSupersededError when it was taken
        back.
        """
        values = {"status": status, "reason": reason}
        own = {"mine": item["execution"], "waiting": rules.WAITING, "baking": rules.BAKING}
        condition = f"{MINE} AND #status IN (:waiting, :baking, :status)"
        if self.table.update(self.key, _sets(values), values | own, condition=condition) is None:
            raise RolloutSupersededError("the roll-out was taken back in the same moment")

    def stop(self, item: dict[str, Any], reason: str) -> dict[str, Any] | None:
        """Let a running roll-out take its model back. None when it ended in the same moment."""
        own = {"mine": item["execution"], "seen": item["status"], "stop": reason}
        return self.table.update(self.key, "SET #stop = :stop", own, condition=f"{MINE} AND #status = :seen")

    def take_over(self, item: dict[str, Any], execution: str, *, hold_seconds: int) -> None:
        """Give a settled or abandoned roll-out to `execution`, which rolls it back. Raises RolloutInProgressError."""
        values = {
            "execution": execution,
            "status": rules.ROLLING_BACK,
            "deadline": int(time.time()) + hold_seconds,
        }
        seen = {"seen_execution": item["execution"], "seen_status": item["status"]}
        condition = "#execution = :seen_execution AND #status = :seen_status"
        if self.table.update(self.key, _sets(values), values | seen, condition=condition) is None:
            raise RolloutInProgressError("another roll-out took the devices in the same moment")

    def begin_roll_back(self, execution: str) -> dict[str, Any] | None:
        """From now on reports change nothing. None when the fleet's roll-out is not of `execution`."""
        values = {"status": rules.ROLLING_BACK, "mine": execution}
        return self.table.update(self.key, "SET #status = :status", values, condition=MINE)

    def end_roll_back(self, execution: str, deployment_ids: dict[str, str]) -> None:
        values = {"status": rules.ROLLED_BACK, "roll_back_ids": deployment_ids}
        self.table.update(self.key, _sets(values), values | {"mine": execution}, condition=MINE)


def _sets(values: dict[str, Any]) -> str:
    return "SET " + ", ".join(f"#{name} = :{name}" for name in values)
