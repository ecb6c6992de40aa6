"""Windows in which new images are collected: one execution of label_images labels what came in one of them."""

from sightline.aws.workflows import StateMachine
from sightline.images.ledger import Ledger


def collect(images: Ledger, label_images: StateMachine, seconds: int) -> None:
    """Have the images that are new labelled together with those that come within `seconds`.

    A window whose execution was stopped collects no more: its images wait for the next one, which begins with this
    call. Nothing else begins one, because whoever stops a labelling wants it stopped.
    """
    window = images.open_window(seconds)
    if not label_images.start_once(window.name, window.request()):
        window = images.open_window(seconds, instead_of=window)
        label_images.start_once(window.name, window.request())
