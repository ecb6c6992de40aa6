"""The stages of a run: each is timed and told in one line, and an error names the stage and where to look."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from reporting import demo
from sightline.errors import SightlineError


class StageError(SightlineError):
    """A stage did not end as it should."""


class Stages:
    """What a run has done so far. `look` says where more is to be read about an error."""

    def __init__(self, console: Console, look: str) -> None:
        self.console, self.look = console, look
        self.result: demo.Result = {"stages": {}}
        self.started = time.monotonic()
        self.note = ""  # what a stage adds to its line
        self._status: Status | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and say how it went. Raise StageError for an error that says what is wrong."""
        start = time.monotonic()
        try:
            with self.console.status(name) as self._status:
                yield
        except SightlineError as error:
            raise StageError(f"stage “{name}” failed: {error} ({self.look})") from error
        finally:
            self._status = None
        seconds = time.monotonic() - start
        self.result["stages"][name] = round(seconds, 1)
        self.console.print(f"[green]✓[/green] {name:34} {seconds:6.1f} s  {self.note}", soft_wrap=True)
        self.note = ""

    def progress(self, text: str) -> None:
        """Show how far the stage is."""
        if self._status:
            self._status.update(text)

    @property
    def seconds(self) -> float:
        """Return how long the run has taken so far."""
        return round(time.monotonic() - self.started, 1)


def until(is_so: Callable[[], bool], seconds: float, otherwise: Callable[[], str], pause: float = 0.3) -> None:
    """Wait until something is so. Raise StageError with what `otherwise` says when it is not in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise StageError(otherwise())
        time.sleep(pause)
