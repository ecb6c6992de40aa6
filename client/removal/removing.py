"""The removal of a stack, which may be asked for again after it broke off: each step looks at what is still there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from client.doctor.deployed import Deployed
from client.removal import components, kept, stopping
from client.removal.kept import Kept
from client.target import Place
from sightline.errors import SightlineError

DELETE_SECONDS = 3600.0
POLL_SECONDS = 2.0


class RemovalError(SightlineError):
    """A stack that AWS does not delete."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What there is to do. `stack` is None where it is deleted already, `stack_id` empty where there was none."""

    place: Place
    stack: Deployed | None
    kept: tuple[Kept, ...]
    stack_id: str = ""

    @property
    def monthly(self) -> float:
        return sum(one.monthly for one in self.kept)

    def again(self) -> str:
        """Return how the stack is made anew, and how what is kept is erased."""
        stack = self.place.stack
        return (
            f"To make the stack anew with what is kept: sightline --stack {stack} adopt, then `sam deploy`. "
            f"To erase it: sightline --stack {stack} remove --everything"
        )

    def run(self, *, everything: bool) -> Iterator[str]:
        """Remove the stack, and with `everything` its data. Give a line for each thing that was done.

        Raise RemovalError with what AWS said of each resource that it did not delete.
        """
        if self.stack:
            yield from stopping.stop(self.stack)
        if everything and self.stack_id:
            yield from components.delete(self.place, self.stack_id)
        if self.stack:
            yield from _delete(self.stack)
        if everything:
            yield from kept.erase(self.place, list(self.kept))


def plan(place: Place) -> Removal:
    """Return what there is to remove: the stack, or what the last stack of this name has left."""
    stack = Deployed.find(place)
    if stack:
        return Removal(place, stack, tuple(kept.measured(place, kept.of_stack(stack))), stack.id)
    deleted = last_deleted(place)
    left = kept.of_deleted(place, deleted) if deleted else []
    return Removal(place, None, tuple(kept.measured(place, left)), deleted)


def last_deleted(place: Place) -> str:
    """Return the id of the last deleted stack of this name that has kept something, empty where AWS remembers none.

    An adoption that came to nothing is a deleted stack, too.
    """
    pages = place.aws.cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    found = [one for page in pages for one in page["StackSummaries"] if one["StackName"] == place.stack]
    newest_first = sorted(found, key=lambda one: one["CreationTime"], reverse=True)
    return next((one["StackId"] for one in newest_first if kept.of_deleted(place, one["StackId"])), "")


def _delete(stack: Deployed) -> Iterator[str]:
    client, stack_id = stack.aws.cloudformation, stack.id
    client.delete_stack(StackName=stack_id)
    deadline = time.monotonic() + DELETE_SECONDS
    while (found := Deployed.find(stack.place, stack_id)) and found.status == "DELETE_IN_PROGRESS":
        if time.monotonic() > deadline:
            raise RemovalError(f"{stack.stack} is still being deleted after {DELETE_SECONDS:.0f} s; ask again later")
        time.sleep(POLL_SECONDS)
    if found and found.status != "DELETE_COMPLETE":
        raise RemovalError(f"{stack.stack} is {found.status}: {_failures(found)}; mend that, and remove it again")
    yield f"the stack {stack.stack} is deleted"


def _failures(stack: Deployed) -> str:
    """Return what AWS said of each resource that it did not delete."""
    pages = stack.aws.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack.id)
    said = {
        event["LogicalResourceId"]: event.get("ResourceStatusReason", "no reason given")
        for page in pages
        for event in reversed(page["StackEvents"])
        if event.get("ResourceStatus") == "DELETE_FAILED" and event["LogicalResourceId"] != stack.stack
    }
    return "; ".join(f"{name}: {reason}" for name, reason in said.items()) or stack.reason or "no reason given"
