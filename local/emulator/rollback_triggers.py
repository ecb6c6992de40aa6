"""Alarms that take an update back: MiniStack ignores `RollbackConfiguration`.

A change set's alarms are kept for its stack, as on AWS. When all resources are changed and before any old one is
removed, an alarm that is on, or that is not there, rolls the operation back. The time for which AWS goes on watching
afterwards is not waited for.
"""

from collections.abc import Mapping
from typing import Any

from local.emulator.aws_shapes import Structure

TRIGGERS = "RollbackConfiguration.RollbackTriggers"
MOST = 5  # CloudFormation API reference, RollbackConfiguration
ALARMS = "_rollback_triggers"  # on the emulator's record of a change set or a stack


def given(request: Mapping[str, object]) -> list[str] | None:
    """Return the ARNs of a request's alarms; None where it says nothing, so that the stack keeps those it has."""
    named = [value for name, value in request.items() if name.startswith(f"{TRIGGERS}.") and name.endswith(".Arn")]
    arns = [str(value[0] if isinstance(value, list) else value) for value in named]
    return arns if arns or TRIGGERS in request else None


def broken(arns: list[str], states: Mapping[str, str]) -> str:
    """Return why an operation is rolled back, empty where it is not. `states` are those of all alarms by ARN."""
    missing = [arn for arn in arns if arn not in states]
    if missing:
        return f"Rollback trigger not found: {', '.join(missing)}"
    on = [arn for arn in arns if states[arn] == "ALARM"]
    return f"Rollback trigger in ALARM state: {', '.join(on)}" if on else ""


def register() -> None:
    """Let the emulator of this process roll stacks back by alarm."""
    from ministack.services import cloudwatch
    from ministack.services.cloudformation import _change_sets, _stacks, changesets, handlers, helpers, stacks

    actions = handlers._ACTION_HANDLERS
    create, execute, outputs = actions["CreateChangeSet"], actions["ExecuteChangeSet"], stacks._resolve_stack_outputs

    def create_change_set(request: Structure) -> Any:
        arns = given(request)
        if arns and len(arns) > MOST:
            return helpers._error("ValidationError", f"At most {MOST} rollback triggers can be specified")
        before = set(_change_sets)
        answer = create(request)
        for made in set(_change_sets) - before:
            if arns is not None:
                _change_sets[made][ALARMS] = arns
        return answer

    def execute_change_set(request: Structure) -> Any:
        named = (helpers._p(request, name) for name in ("ChangeSetName", "StackName"))
        _, found = changesets._find_change_set(*named)
        if found and ALARMS in found:
            _stacks[found["StackName"]][ALARMS] = found[ALARMS]
        return execute(request)

    def resolve_stack_outputs(*values: Any) -> Any:
        *_, name, _ = values
        states = {alarm["AlarmArn"]: alarm["StateValue"] for alarm in cloudwatch._alarms.values()}
        if reason := broken(_stacks[name].get(ALARMS, []), states):
            raise ValueError(reason)
        return outputs(*values)

    actions["CreateChangeSet"], actions["ExecuteChangeSet"] = create_change_set, execute_change_set
    stacks._resolve_stack_outputs = resolve_stack_outputs
