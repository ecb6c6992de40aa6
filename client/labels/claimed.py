"""Images that a labelling job has: a label may be brought for one that nobody has begun to label."""

import time

from client import pipeline
from client.formats.checks import check
from client.target import Target
from sightline.images.image import Image
from sightline.labelling.taking import Taking

BEGUN = "people label or verify it at the moment; it gets their label"
NOT_ASKED = "a labelling has it that does not ask on the page (yet); import again in a minute, or when it has ended"
IMPORT = "import-"  # what an execution is called that brings labels, for people to verify
SECONDS = 20.0  # in which a labelling that has claimed images opens its job, where no model proposes boxes
PAUSE_SECONDS = 0.5


class Claimed:
    """The images that labelling jobs have, by job."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.free: dict[str, set[str] | None] = {}  # None: no job asks for them

    def check_free(self, image: Image) -> None:
        """Raise BadLabelError for an image that stays in its job."""
        job = image.claimed_by or ""
        if job not in self.free:
            self.free[job] = set() if job.startswith(IMPORT) else self._untouched(job)
        free = self.free[job]
        check(free is not None, NOT_ASKED)
        check(image.image_id in (free or ()), BEGUN)

    def _untouched(self, job: str) -> set[str] | None:
        target = self.target
        taking = Taking(target.aws, pipeline.ledger(target), target.outputs["TasksTableName"])
        until = time.monotonic() + SECONDS
        while (found := taking.untouched(job)) is None and time.monotonic() < until:
            time.sleep(PAUSE_SECONDS)
        return found
