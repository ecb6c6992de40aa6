"""Executions that ended before their work was done: what they held was given back, and people know.

The items lie in the table of the jobs, with `pk = "ended#<what>"`: the labelling job of an execution of label_images,
the ARN of any other.
"""

from sightline.aws.clients import Aws
from sightline.aws.table import Table

NEVER = -1


class Endings:
    """The notes on the bad ends of a stack's executions."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.items = Table(aws, table)

    def note_ended(self, what: str) -> None:
        """Note that an execution has ended: what it opens from now on nobody waits for."""
        self.items.update(_key(what), "SET #ended = :true", {"true": True})

    def has_ended(self, what: str) -> bool:
        """Return whether what the execution held was given back."""
        return self.items.get(_key(what)) is not None

    def told(self, what: str) -> int:
        """Return the number of redrives after which people were told of this end last; NEVER if they were not."""
        item = self.items.get(_key(what)) or {}
        found = item.get("told", NEVER)
        return found if isinstance(found, int) else NEVER

    def note_told(self, what: str, redrives: int) -> None:
        """Note that people know. Only afterwards: a message that comes twice is better than none."""
        self.items.update(_key(what), "SET #told = :told", {"told": redrives})


def _key(what: str) -> dict[str, str]:
    return {"pk": f"ended#{what}", "sk": "ended"}
