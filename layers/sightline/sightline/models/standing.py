"""What each model of a stack is, in DynamoDB: one attribute for a model, in the item of the fleet's roll-out.

So a roll-out and what its model is change in one write. Every change has the condition that the model still is what
it was when somebody looked: of two at once, one wins and the other one is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sightline.aws.clients import Aws
from sightline.aws.table import Table
from sightline.models.registry import ModelStatus, RegisteredModel
from sightline.models.states import ModelState, States

PREFIX = "model#"  # of an attribute's name; the component version follows
# What a model is of which no attribute tells: nobody has decided here, so it is what the registry says.
UNKNOWN = {
    ModelStatus.PENDING: ModelState.CANDIDATE,
    ModelStatus.APPROVED: ModelState.APPROVED,
    ModelStatus.REJECTED: ModelState.REJECTED,
}
# The same for the model of a roll-out by an earlier Sightline, which kept no attributes, by the roll-out's status.
EARLIER = {"HEALTHY": ModelState.IN_SERVICE, "ROLLED_BACK": ModelState.TAKEN_BACK, "ABANDONED": ModelState.APPROVED}


@dataclass(slots=True)
class Change:
    """What changes in the item: parts of an update expression, with the condition that nothing else has changed it."""

    expression: str = ""  # behind SET, with a comma before each part
    condition: str = ""  # with AND before each part
    values: dict[str, object] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, changes: States, seen: States) -> "Change":
        """Return how `changes` are written where the models were what `seen` says."""
        change = cls()
        for number, (version, state) in enumerate(changes.items()):
            name, known = f"model{number}", seen.get(version)
            change.names[name] = PREFIX + version
            change.values[name] = state
            change.expression += f", #{name} = :{name}"
            change.condition += f" AND (attribute_not_exists(#{name})"
            if known is not None:  # it may be known by the roll-out alone
                change.condition += f" OR #{name} = :{name}was"
                change.values[f"{name}was"] = known
            change.condition += ")"
        return change


def recorded(item: Mapping[str, object]) -> States:
    """Return what the item says of each model about which somebody has decided here, or which was rolled out."""
    states = {
        name.removeprefix(PREFIX): ModelState(str(value)) for name, value in item.items() if name.startswith(PREFIX)
    }
    version = str(item.get("model_version", ""))
    if version and version not in states:
        states[version] = EARLIER.get(str(item["status"]), ModelState.ROLLING_OUT)
    return states


class Standing:
    """What each model of a stack is. `group_arn` is the fleet group's."""

    def __init__(self, aws: Aws, table: str, group_arn: str) -> None:
        self.table = Table(aws, table)
        self.key = {"pk": f"group#{group_arn}"}

    def states(self) -> States:
        """Return what each model is; one that is not among them is what the registry says."""
        return recorded(self.table.get(self.key) or {})

    def change(self, version: str, state: ModelState, seen: States) -> bool:
        """Let a model be `state`. Return False where it is not what `seen` says any more."""
        change = Change.of({version: state}, seen)
        condition = change.condition.removeprefix(" AND ")
        expression = f"SET {change.expression.removeprefix(', ')}"
        return bool(self.table.update(self.key, expression, change.values, condition=condition, names=change.names))


def state_of(model: RegisteredModel, states: States) -> ModelState:
    """Return what a model is."""
    return states.get(model.component_version, UNKNOWN[model.status])
