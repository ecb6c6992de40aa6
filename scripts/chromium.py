"""Where Chromium is, and how it is started without a screen; for the tests, the measurements and the pictures of the
page.
"""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
MISSING = (
    "Chromium is missing, which the tests of the page need: apt install chromium, or set "
    "SIGHTLINE_CHROMIUM=/path/to/chrome"
)
# As root a browser has no sandbox; the rest keeps it from asking the internet for anything.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip


class MissingChromiumError(Exception):
    """There is no browser on this machine."""


def find_chromium() -> str:
    """The path of a Chromium or Chrome. Raises MissingChromiumError, which says what to install."""
    named = os.environ.get("SIGHTLINE_CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), shutil.which(MAC))
    if not found:
        raise MissingChromiumError(MISSING)
    return found


if __name__ == "__main__":
    try:
        print(find_chromium())
    except MissingChromiumError as error:
        sys.exit(str(error))
