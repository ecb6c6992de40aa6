"""Images that are taken out of an open labelling job, because somebody brings their labels."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from sightline import names
from sightline.aws.clients import Aws
from sightline.images.image import Image, ImageStatus
from sightline.images.ledger import WRITERS, Ledger
from sightline.labelling.closing import Closing
from sightline.labelling.task_table import TaskTable, job_key, now, task_key
from sightline.labelling.tasks import Job, JobKind, JobStatus, Task, TaskStatus

FIRST = 1  # only in the first round nobody has said anything of an image yet


class Taking:
    """Takes images over from labelling jobs in which nobody has begun with them."""

    def __init__(self, aws: Aws, images: Ledger, tasks_table: str) -> None:
        self.images, self.table = images, TaskTable(aws, tasks_table)
        self.closing = Closing(aws, tasks_table)

    def untouched(self, labelling: str) -> set[str] | None:
        """Return the images of a labelling that nobody has begun to label; None where no job asks for them (yet)."""
        job = self._job(labelling)
        if job is None or job.status != JobStatus.OPEN:
            return set() if job else None
        condition, values = "#pk = :job AND begins_with(#sk, :kind)", {"job": job.job_id, "kind": "task#"}
        tasks = (Task.from_item(item) for item in self.table.items.each(None, condition, values, ConsistentRead=True))
        moment = now()
        return {task.image["image_id"] for task in tasks if not task.annotators and (task.lease_until or 0) < moment}

    def take(self, job_id: str, image_ids: Iterable[str], correlation_id: str) -> list[Image]:
        """Claim for `job_id` those of these images that are in another labelling and that nobody has begun to label.

        Their tasks are gone afterwards. A job from which all tasks are taken is over, and its workflow is told.
        """
        with ThreadPoolExecutor(WRITERS) as pool:
            taken = list(pool.map(lambda image_id: self._take(job_id, image_id, correlation_id), image_ids))
        found = [pair for pair in taken if pair]
        for labelling in sorted({labelling for _, labelling in found}):
            if job := self._job(labelling):
                self.closing.make_up(job)
        return [image for image, _ in found]

    def _take(self, job_id: str, image_id: str, correlation_id: str) -> tuple[Image, str] | None:
        """Return the image, and the labelling that had it; None where it stays. The three items change together."""
        image = self.images.image(image_id)
        if image is None or image.status is not ImageStatus.CLAIMED or not image.claimed_by:
            return None
        tasks_job = names.task_job(image.claimed_by, JobKind.LABELING, FIRST)
        change = self.images.take_over(image_id, image.claimed_by, job_id, correlation_id)
        change.delete_in(
            self.table.items,
            task_key(tasks_job, image_id),
            {"open": TaskStatus.OPEN.value, "now": now()},
            condition="#status = :open AND attribute_not_exists(#annotators)"
            " AND (attribute_not_exists(#leased_by) OR #position < :now)",
        )
        change.update_in(
            self.table.items,
            job_key(tasks_job),
            "ADD #total :less, #remaining :less",
            {"less": -1, "open": JobStatus.OPEN.value},
            condition="#status = :open",
        )
        if not change.run():
            return None
        claimed = self.images.image(image_id)
        return (claimed, image.claimed_by) if claimed else None

    def _job(self, labelling: str) -> Job | None:
        item = self.table.items.get(job_key(names.task_job(labelling, JobKind.LABELING, FIRST)))
        return Job.from_item(item) if item else None
