"""Light and sharpness of the images of a dataset version."""

import html

import numpy as np

from reporting.dataset_groups import MEMBERS_SHOWN
from reporting.dataset_images import Looked, photo, short
from reporting.page import long_table, rest
from sightline.datasets import quality


def clipped(images: list[Looked]) -> list[list[str]]:
    """Return rows of images that show too much black or white, the worst first."""
    bad = quality.badly_exposed({image.name: image.exposure for image in images if image.exposure})
    known = {image.name: image for image in images}
    return [[name, known[name].split, *(f"{share:.0%}" for share in known[name].exposure.values())] for name in bad]


def exposure_and_sharpness(images: list[Looked]) -> str:
    """Return which images show too much black or white, and which are blurred."""
    known = {image.name: image for image in images if image.exposure}
    if not known:
        return "<p>No image could be looked at.</p>"
    dark, bright = (float(np.median([image.exposure[name] for image in known.values()])) for name in ("dark", "bright"))
    sharp = {name: image.sharpness for name, image in known.items()}
    middle = float(np.median(list(sharp.values())))
    blurred = quality.blurred(sharp)
    figures = "".join(
        photo(known[name], f"{html.escape(short(name))}, {sharp[name] / max(middle, 1e-9):.0%} of the median")
        for name in blurred[:MEMBERS_SHOWN]
    )
    soft = (
        f'<div class="images">{figures}</div>{rest(len(blurred) - MEMBERS_SHOWN)}'
        if blurred
        else '<p class="good">No image is blurred beside the others.</p>'
    )
    return (
        f"<p>Median share of clipped pixels: {dark:.1%} black, {bright:.1%} white. Images with "
        f"{quality.CLIPPED:.0%} of their pixels more than that:</p>"
        + long_table(["image", "split", "black", "white"], clipped(images), "None.")
        + f"<p>Sharpness (variance of the Laplacian) is {middle:.0f} in the median. "
        f"Far less sharp than the set's others:</p>{soft}"
    )
