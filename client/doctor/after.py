"""The checks of a deployed stack: its parts, its functions, and the ways through it."""

from collections.abc import Iterator
from functools import partial

from client.doctor import functions, parts, paths, people
from client.doctor.deployed import Deployed
from client.doctor.findings import Check
from client.doctor.template import Template
from client.doctor.training_image import training_image


def checks(stack: Deployed, template: Template, seconds: float = paths.EVENT_SECONDS) -> Iterator[Check]:
    """Give each check: first what only looks, then what calls and uploads something tiny, for at most `seconds`."""
    yield Check("stack", partial(parts.status, stack))
    yield Check("outputs", partial(parts.outputs, stack, template.outputs))
    if not stack.outputs:  # only adopted so far, or its first deployment has failed
        return
    yield Check("functions", partial(functions.settings, stack, template))
    for subject, ask in (
        ("DataKey", parts.key),
        ("buckets", parts.buckets),
        ("queues", parts.queues),
        ("state machines", parts.state_machines),
        ("rules", parts.rules),
        ("throttles", functions.stopped),
        ("training image", training_image),
        ("users", people.users),
        ("notifications", parts.notifications),
        ("alarms", parts.alarms),
        ("layers", functions.layers),
        ("signed URLs", paths.signed_urls),
        ("page", paths.page),
    ):
        yield Check(subject, partial(ask, stack))
    yield Check("upload", partial(paths.upload, stack, seconds))
