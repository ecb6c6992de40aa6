"""The roll-out of a fleet in DynamoDB (one item for one fleet), and the answers to the workflow that waits for it.

Every write is conditional, so of two that race one wins and the other one sees it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sightline.aws.clients import Aws
from sightline.aws.table import Table
from sightline.aws.workflows import Callbacks, is_running
from sightline.clock import is_too_far
from sightline.models import states
from sightline.models.standing import Change, recorded
from sightline.models.states import ModelStateError, States
from sightline.names import OwnComponents
from sightline.rollout.components import Components
from sightline.rollout.decisions import Limits, against
from sightline.rollout.findings import Compared, Failed, Finding, Proven
from sightline.rollout.record import OPEN, Attempt, BakeCount, Rollout, RolloutState
from sightline.rollout.stages import Stage
from sightline.rollout.turns import RolloutInProgressError, RolloutSupersededError

MINE = "#execution = :mine"
COUNTING = f"{MINE} AND #status IN (:waiting, :baking)"
TRIES = 5  # of a write beside which a person changed the model before
STATES = {"waiting": RolloutState.WAITING, "baking": RolloutState.BAKING}  # of COUNTING
# A window counts once, and only after the one before it.
FRESH = "attribute_not_exists(#bake.#which) OR (#bake.#which.#until = :seen AND :since >= :seen)"


class Deployments:
    """The roll-out of one fleet, known by the ARN of its fleet group."""

    def __init__(self, aws: Aws, table: str, group_arn: str) -> None:
        self.aws = aws
        self.table = Table(aws, table)
        self.callbacks = Callbacks(aws)
        self.key = {"pk": f"group#{group_arn}"}

    def current(self) -> Rollout | None:
        """Return the fleet's roll-out, None before the first."""
        item = self.table.get(self.key) or {}
        return Rollout.from_item(item) if "execution" in item else None

    def models(self) -> States:
        """Return what each model is, also before the first roll-out."""
        return recorded(self.table.get(self.key) or {})

    def owned(self, execution: str) -> Rollout:
        """Return the roll-out of `execution`. Raise RolloutSupersededError when another one has the fleet now."""
        current = self.current()
        if current is None or current.execution != execution:
            raise RolloutSupersededError("another roll-out has the devices now")
        return current

    def begin(
        self,
        attempt: Attempt,
        before: Rollout | None,
        *,
        task_token: str,
        hold_seconds: int,
        stages: Mapping[Stage, Sequence[str]],
        components: Mapping[Stage, Components],
        previous: Mapping[Stage, Components],
    ) -> Rollout:
        """Return the fleet's new roll-out, if the record still is `before`. Raise RolloutInProgressError if it is not,
        and RolloutSupersededError when the execution has ended, or the model was rejected meanwhile.

        `stages`: the things of each, in order. `hold_seconds`: for how long without any report the roll-out keeps the
        fleet.
        """
        values: dict[str, object] = {
            "execution": attempt.execution,
            "model_version": attempt.model_version,
            "approved_at": attempt.approved_at.isoformat(),
            "stages": list(stages),
            "components": components,
            "previous": previous,
            "deployments": {},
            "hold_seconds": hold_seconds,
            "started_at": int(time.time()),
            **_waiting(task_token, hold_seconds, *next(iter(stages.items()))),
        }
        condition, seen = "attribute_not_exists(#execution)", dict[str, object]()
        if before:
            condition = "#execution = :seen_execution AND #status = :seen_status"
            seen = {"seen_execution": before.execution, "seen_status": before.status}
        known = self.models()
        try:
            changes = Change.of(states.begun(known, attempt.model_version), known)
        except ModelStateError as error:
            raise RolloutSupersededError(str(error)) from error
        expression = (
            f"{_sets(values)}{changes.expression}"
            " REMOVE #healthy, #reason, #answered, #bake_until, #stop, #roll_back_ids"
        )
        begun = self._update(expression, values | seen | changes.values, condition + changes.condition, changes.names)
        if begun is None:
            raise RolloutInProgressError("another roll-out took the group in the same moment")
        self._keep_if_running(attempt.execution)
        return begun

    def begin_stage(self, current: Rollout, stage: Stage, things: Sequence[str], *, task_token: str) -> Rollout:
        """Return the roll-out in its next stage. Raise RolloutInProgressError when the record just changed."""
        values = _waiting(task_token, current.hold_seconds, stage, things)
        own = {"mine": current.execution, "promoted": RolloutState.PROMOTED}
        expression = f"{_sets(values)} REMOVE #healthy, #answered, #bake_until"
        begun = self._update(expression, values | own, f"{MINE} AND #status = :promoted")
        if begun is None:
            raise RolloutInProgressError("the roll-out was settled in the same moment")
        return begun

    def resume(self, current: Rollout, *, task_token: str) -> Rollout:
        """Return the roll-out with another token. Raise RolloutInProgressError when the record just changed."""
        values: dict[str, object] = {
            "task_token": task_token,
            "deadline": int(time.time()) + current.hold_seconds,
        }
        own = {"mine": current.execution, "waiting": RolloutState.WAITING}
        resumed = self._update(f"{_sets(values)} REMOVE #answered", values | own, f"{MINE} AND #status = :waiting")
        if resumed is None:
            raise RolloutInProgressError("the roll-out was settled in the same moment")
        return resumed

    def bake(self, execution: str, *, task_token: str, bake_seconds: int) -> Rollout:
        """Return the roll-out whose stage runs the model from now on for a while. Raise RolloutSupersededError."""
        current, now = self.owned(execution), int(time.time())
        values: dict[str, object] = {
            "task_token": task_token,
            "deadline": now + current.hold_seconds,
            "status": RolloutState.BAKING,
        }
        given = {"until": now + bake_seconds, "mine": execution} | STATES
        begins = is_too_far(current.bake_until, now, bake_seconds)  # by a wrong clock: it bakes anew
        until = ":until" if begins else "if_not_exists(#bake_until, :until)"
        expression = f"{_sets(values)}, #bake_until = {until} REMOVE #answered"
        baking = self._update(expression, values | given, COUNTING)
        if baking is None:
            raise RolloutSupersededError("the roll-out was taken back in the same moment")
        return baking

    def note_deployment(self, current: Rollout, deployment_id: str) -> Rollout | None:
        """Remember the Greengrass deployment of the stage at hand. Return the new record, None when it is not mine."""
        values = {"id": deployment_id, "mine": current.execution}
        expression = "SET #deployments.#current_stage = :id"
        return self._update(expression, values, MINE, {"current_stage": current.stage})

    def record(self, found: Finding, current: Rollout) -> Rollout | None:
        """Count a finding for the roll-out `current`. Return the new record, None when it changes nothing.

        A failure stays one whatever the device says later; a window counts once, in the order in which the device sent
        them.
        """
        # Only a first answer holds the fleet for longer: devices go on talking when the execution behind this is gone.
        news = not isinstance(found, Compared) and not current.has_answered(found.thing)
        deadline = int(time.time()) + current.hold_seconds if news else current.deadline
        own = {"mine": current.execution, "deadline": deadline} | STATES
        match found:
            case Proven():
                expression = "ADD #healthy :things SET #deadline = :deadline"
                return self._update(expression, own | {"things": {found.thing}}, COUNTING)
            case Failed():
                expression = "SET #failed.#which = if_not_exists(#failed.#which, :reason), #deadline = :deadline"
                return self._update(expression, own | {"reason": found.reason}, COUNTING, {"which": found.thing})
            case Compared():
                return self._add_window(found, current, own)

    def _add_window(self, found: Compared, current: Rollout, own: Mapping[str, object]) -> Rollout | None:
        window, known = found.window, current.bake.get(found.thing, BakeCount(0, 0, 0.0, ""))
        if known.until > window.since:
            return None
        counts = BakeCount(
            images=known.images + window.images,
            disagreements=known.disagreements + window.disagreements,
            latency_ms=window.latency_ms,
            until=window.until,
        )
        values = {**own, "window": asdict(counts), "since": window.since, "seen": known.until}
        expression = "SET #bake.#which = :window, #deadline = :deadline"
        return self._update(expression, values, f"{COUNTING} AND ({FRESH})", {"which": found.thing})

    def fail_silent(self, current: Rollout, reasons: Mapping[str, str]) -> Rollout:
        """Count things that said nothing as failed. Return the new record."""
        for thing, reason in sorted(reasons.items()):
            current = self.record(Failed(thing, reason), current) or self.owned(current.execution)
        return current

    def wake(self, current: Rollout, limits: Limits, *, news: bool = False) -> bool:
        """Answer the waiting workflow when there is something to decide, else tell it when there was news.

        Return whether it was answered.
        """
        if not current.counts or current.answered == current.task_token:
            return False
        due = bool(against(current, limits)) or (current.status == RolloutState.WAITING and not current.silent)
        answer = self.callbacks.succeed if due else self.callbacks.heartbeat
        told = (due or news) and answer(current.task_token)
        if due and told:
            self._update("SET #answered = :token", {"token": current.task_token}, "#task_token = :token")
        return due and told

    def promote(self, current: Rollout, status: RolloutState, reason: str) -> None:
        """End the stage: `status` is PROMOTED or HEALTHY. Raise RolloutSupersededError when it was taken back."""
        values: dict[str, object] = {"status": status, "reason": reason}
        own = {"mine": current.execution} | STATES
        condition = f"{MINE} AND #status IN (:waiting, :baking, :status)"
        proven = states.succeeded(current.models, current.model_version) if status == RolloutState.HEALTHY else {}
        if self._change(proven, current, values, own, condition) is None:
            raise RolloutSupersededError("the roll-out was taken back in the same moment")

    def stop(self, current: Rollout, reason: str) -> Rollout | None:
        """Let a running roll-out take its model back. Return the record, None when it ended in the same moment."""
        own = {"mine": current.execution, "seen": current.status, "stop": reason}
        return self._update("SET #stop = :stop", own, f"{MINE} AND #status = :seen")

    def take_over(self, current: Rollout, execution: str, before: str, *, hold_seconds: int) -> None:
        """Give a settled or abandoned roll-out to `execution`, which rolls it back to the model `before`.

        Raise RolloutInProgressError, and RolloutSupersededError when the execution has ended.
        """
        values: dict[str, object] = {
            "execution": execution,
            "status": RolloutState.ROLLING_BACK,
            "deadline": int(time.time()) + hold_seconds,
        }
        seen = {"seen_execution": current.execution, "seen_status": current.status}
        condition = "#execution = :seen_execution AND #status = :seen_status"
        changes = states.taken_back(current.models, current.model_version, before)
        if self._change(changes, current, values, seen, condition) is None:
            raise RolloutInProgressError("another roll-out took the devices in the same moment")
        self._keep_if_running(execution)

    def _keep_if_running(self, execution: str) -> None:
        """Let the devices go again when `execution` has ended: whoever handled its end may have come before it took
        them. Asked after the record is written, so one of the two sees the other. Raise RolloutSupersededError.
        """
        if not is_running(self.aws, execution):
            self.abandon(execution)
            raise RolloutSupersededError("this execution ended before it had the devices; approve the model again")

    def abandon(self, execution: str) -> Rollout | None:
        """Let the next roll-out have the fleet, because `execution` has ended. The devices are left alone.

        Return the record, None where the fleet's roll-out is not of `execution`, or is settled.
        """
        current = self.current()
        if current is None or current.execution != execution:
            return None
        values: dict[str, object] = {"status": RolloutState.ABANDONED}
        open_ones = {f"open{number}": status for number, status in enumerate(OPEN)}
        condition = f"{MINE} AND #status IN ({', '.join(f':{name}' for name in open_ones)})"
        changes = states.stopped(current.models, current.model_version)
        return self._change(changes, current, values, {"mine": execution, **open_ones}, condition)

    def begin_roll_back(self, execution: str, own: OwnComponents) -> Rollout | None:
        """Let reports change nothing from now on, and the model be taken back.

        Return None when the fleet's roll-out is not of `execution`.
        """
        for _ in range(TRIES):
            current = self.current()
            if current is None or current.execution != execution:
                return None
            changes = states.taken_back(
                current.models, current.model_version, current.model_before(own), by_person=bool(current.stop)
            )
            values: dict[str, object] = {"status": RolloutState.ROLLING_BACK}
            begun = self._change(changes, current, values, {"mine": execution}, MINE)
            if begun:
                return begun
        raise RolloutInProgressError("the model before it changes all the time")

    def end_roll_back(self, execution: str, deployment_ids: Mapping[Stage, str]) -> None:
        """Settle a roll-back whose deployments are created."""
        values: dict[str, object] = {"status": RolloutState.ROLLED_BACK, "roll_back_ids": deployment_ids}
        self._update(_sets(values), values | {"mine": execution}, MINE)

    def _change(
        self,
        changes: States,
        current: Rollout,
        values: Mapping[str, object],
        seen: Mapping[str, object],
        condition: str,
    ) -> Rollout | None:
        """Write `values`, and what becomes of models by that. Return None when the record or a model has changed."""
        change = Change.of(changes, current.models)
        return self._update(
            _sets(values) + change.expression,
            {**values, **seen, **change.values},
            condition + change.condition,
            change.names,
        )

    def _update(
        self, expression: str, values: Mapping[str, object], condition: str, names: dict[str, str] | None = None
    ) -> Rollout | None:
        item = self.table.update(self.key, expression, dict(values), condition=condition, names=names)
        return Rollout.from_item(item) if item else None


def _waiting(task_token: str, hold_seconds: int, stage: Stage, things: Sequence[str]) -> dict[str, object]:
    return {
        "stage": stage,
        "things": list(things),
        "status": RolloutState.WAITING,
        "task_token": task_token,
        "deadline": int(time.time()) + hold_seconds,
        "failed": {},
        "bake": {},
    }


def _sets(values: Mapping[str, object]) -> str:
    return "SET " + ", ".join(f"#{name} = :{name}" for name in values)
