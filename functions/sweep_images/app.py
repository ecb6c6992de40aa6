"""Find objects that S3 events missed, and send them to be registered.

Input:   anything; a schedule starts it
Output:  {"listed": objects under incoming/, "queued": those the ledger did not know}
"""

import os
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.aws.queue import Queue
from sightline.images.events import created_event
from sightline.images.ledger import Ledger
from sightline.images.uploads import Uploads
from sightline.runtime import Context, logger, step

IMAGES_BUCKET = os.environ["IMAGES_BUCKET"]

aws = Aws()
queue = Queue(aws, os.environ["QUEUE_URL"])
uploads = Uploads(aws)
images = Ledger(aws, os.environ["IMAGES_TABLE"])


class Swept(TypedDict):
    listed: int
    queued: int


@step
def handler(event: object, context: Context) -> Swept:
    listed = queued = 0
    for page in uploads.list_incoming(IMAGES_BUCKET):
        missing = [found for found in page if images.last_sequencer(IMAGES_BUCKET, found.key) is None]
        queue.send([created_event(IMAGES_BUCKET, found) for found in missing])
        listed += len(page)
        queued += len(missing)
    logger.info("bucket swept", listed=listed, queued=queued)
    return {"listed": listed, "queued": queued}
