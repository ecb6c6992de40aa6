"""Find where bucket and ledger differ, and have those objects looked at: events of S3 may be lost. Once a week, count
the images anew.

Input:   {"begin": begin anew, whatever the last sweep did, "seconds": to work at most}; both may be missing. A schedule
         sends neither: it goes on with a sweep that was broken off, and begins one a day
Output:  {"compared": objects of the sweep so far, "queued": those that differ, "ended": whether it has come to the end}
Effects: a message to the queue of uploads for each object that differs; how far it has come is in the ledger; counters
         that were wrong are right, and those of a stack that had none are there
"""

import os
import time
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.aws.queue import BATCH, Queue
from sightline.aws.table import Table
from sightline.fields import Fields
from sightline.images.counters import Counters
from sightline.images.events import swept_event
from sightline.images.sweep import Compared, Sweep, Sweeping
from sightline.runtime import Context, count_metric, logger, step

IMAGES_BUCKET = os.environ["IMAGES_BUCKET"]
SPARE_SECONDS = 60  # before the function's end
SAVED_EVERY = 5000  # objects

aws = Aws()
queue = Queue(aws, os.environ["QUEUE_URL"])
ledger = Table(aws, os.environ["IMAGES_TABLE"])
sweeping = Sweeping(aws, ledger, IMAGES_BUCKET)
counters = Counters(ledger)


class Swept(TypedDict):
    compared: int
    queued: int
    ended: bool


def work(sweep: Sweep, until: float) -> Sweep:
    """Go on with a sweep until its end, or until the time is over."""
    waiting: list[Compared] = []
    for compared in sweeping.compare(sweep.after):
        waiting += [compared] if compared.differs else []
        sweep = sweep.on(compared)
        is_over = time.monotonic() > until
        if len(waiting) == BATCH or is_over or sweep.compared % SAVED_EVERY == 0:
            send(waiting)
            waiting.clear()
        if is_over or sweep.compared % SAVED_EVERY == 0:
            sweeping.save(sweep)  # what differs was sent before
        if is_over:
            return sweep
    send(waiting)
    sweep = sweep.at_end()
    sweeping.save(sweep)
    return sweep


def count(sweep: Sweep, until: float) -> Sweep:
    """Compare the counters with the images. What could not be compared is compared in an hour."""
    found = counters.recount(until)
    logger.info("images counted", images=found.images, corrected=found.corrected, whole=found.is_whole)
    if found.corrected:
        count_metric("CountersCorrected", found.corrected)
    if not found.is_whole:
        return sweep
    sweep = sweep.counted()
    sweeping.save(sweep)
    return sweep


def send(waiting: list[Compared]) -> None:
    queue.send([swept_event(IMAGES_BUCKET, compared.key) for compared in waiting])
    if waiting:
        count_metric("ObjectsSwept", len(waiting))


@step
def handler(event: object, context: Context) -> Swept:
    asked = Fields(event if isinstance(event, dict) else {}, "in the request for a sweep")
    spare = context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS
    seconds = asked.number("seconds", 0, default=spare)
    sweep = sweeping.current(begin="begin" in asked.values and asked.flag("begin"))
    if sweep is None:
        return {"compared": 0, "queued": 0, "ended": True}
    before, until = sweep.queued, time.monotonic() + min(seconds, spare)
    if not sweep.has_ended:
        sweep = work(sweep, until)
    if sweep.has_ended and sweep.is_counting_due:
        sweep = count(sweep, until)
    logger.info("bucket swept", compared=sweep.compared, queued=sweep.queued - before, ended=sweep.has_ended)
    return {"compared": sweep.compared, "queued": sweep.queued, "ended": sweep.has_ended}
