"""Where tasks stand: queues in an index of the tasks table, from which people take tasks.

A task that wants another answer stands in the index `queues` by `queue` and `position`. One queue holds the leased
tasks of a job by the moment at which the lease ends. The others hold the free ones by `rank`, the lowest first: one
queue for each set of people who have answered its tasks before. So whatever stands first in a queue without one's own
name can be taken, and asking for the next task costs the same however many there are.
"""

import json
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from sightline.aws.table import Table
from sightline.clock import is_too_far
from sightline.fields import Fields
from sightline.labelling.lines import AskedImage
from sightline.labelling.tasks import Job, JobKind

Allows = Callable[[str, Collection[str]], bool]

QUEUES = "queues"
NOBODY = "[]"  # the group of people who have answered a fresh task


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task stands, as the index shows it."""

    sk: str  # the task's sort key
    queue: str
    position: int  # milliseconds since 1970 at which its lease ends, or the rank of a free one
    leased_by: str | None
    annotators: tuple[str, ...]

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        """Read an item of the index. Raise InvalidFieldError."""
        fields = Fields(item, f"in the index of {item.get('pk')!r:.80}")
        return cls(
            sk=fields.text("sk"),
            queue=fields.text("queue"),
            position=fields.whole("position", 0),
            leased_by=fields.text("leased_by", "") or None,
            annotators=fields.texts("annotators"),
        )


def leased_queue(job_id: str) -> str:
    return f"{job_id}#leased"


def free_queue(job_id: str, group: str) -> str:
    """The queue of the free tasks that exactly `group` has answered: names can be long, a key can't."""
    return f"{job_id}#free" + (f"#{sha256(group.encode()).hexdigest()[:32]}" if group != NOBODY else "")


def group_of(workers: Iterable[str]) -> str:
    return json.dumps(sorted(workers))


def closed_to(image: AskedImage, annotators: Iterable[str]) -> str:
    """Return the group of people whom a free task is not for: who has answered it, and who drew what is verified."""
    return group_of({*image.get("annotated_by", []), *annotators})


def candidates(
    table: Table, job: Job, worker: str, count: int, moment: int, allows: Allows, *, lease_seconds: int
) -> list[Place]:
    """Return about `count` tasks that `worker` may have: own leases, leases that are over, free ones.

    `moment` is now, in milliseconds since 1970. `allows` says whether a person may verify what some people drew.
    A lease that ends later than one of now would is of a wrong clock, and over.
    """
    leased = _standing(table, leased_queue(job.job_id))
    mine = [place for place in leased if place.leased_by == worker and place.position > moment]
    over = [
        place
        for place in leased
        if worker not in place.annotators
        and (
            place.position <= moment
            or (place.leased_by != worker and is_too_far(place.position / 1000, moment / 1000, lease_seconds))
        )
    ]
    random.shuffle(over)
    found = [*mine, *over]
    # Tasks that many have answered come first: they are done sooner, and there are fewer queues to look into.
    groups = sorted(job.groups, key=lambda group: (-len(json.loads(group)), group))
    for group in [*groups, NOBODY]:
        missing = count - len(found)
        if missing <= 0:
            break
        people = json.loads(group)
        if worker in people and not (job.kind == JobKind.VERIFICATION and allows(worker, people)):
            continue
        free = _standing(table, free_queue(job.job_id, group), missing)
        random.shuffle(free)
        found += free
    return found


def _standing(table: Table, queue: str, limit: int | None = None) -> list[Place]:
    return [Place.from_item(item) for item in table.query(QUEUES, "#queue = :queue", {"queue": queue}, limit)]
