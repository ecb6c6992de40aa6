"""The training image of a stack: there, being built, or why not."""

from datetime import UTC, datetime, timedelta

from client.doctor.deployed import Deployed
from client.doctor.findings import Findings, note, ok, wrong
from sightline.models.training_image import RUNNING, TrainingImages

SUBJECT = "training image"
SOON = timedelta(minutes=5)  # the event of a deployment comes late at times


def training_image(stack: Deployed) -> Findings:
    """Look for the image that the newest build made, or makes."""
    own = stack.parameters.get("TrainingImageUri", "")
    if own:
        return [note(SUBJECT, f"your own: {own}")]
    images = TrainingImages(stack.aws, stack.outputs["TrainingImageRepositoryUri"], stack.id_of("TrainingImageProject"))
    build = images.newest_build()
    if build is None:
        if stack.changed and datetime.now(UTC) - stack.changed < SOON:
            return [note(SUBJECT, "it is not being built yet; the deployment starts that in a moment")]
        todo = "run `sightline train`, which starts a build"
        return [wrong(SUBJECT, "no build was ever started, although a deployment starts one", todo)]
    if build.status == RUNNING:
        return [note(SUBJECT, f"it is being built ({build.log}); you can label meanwhile")]
    if build.tag and images.has(build.tag):
        return [ok(SUBJECT, f"{images.uri(build.tag)} is there")]
    todo = "`sightline train` starts another build"
    if build.status == "SUCCEEDED":
        return [wrong(SUBJECT, f"{images.uri(build.tag)} was built and is gone", todo)]
    return [wrong(SUBJECT, f"the last build ended {build.status}", f"read {build.log}; {todo}")]
