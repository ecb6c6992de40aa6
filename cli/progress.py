"""How far a command is: a bar or a spinner on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.screen import Settings, console

if TYPE_CHECKING:
    from client.target import Target

NEWS_SECONDS = 10.0  # between two lines that say something new
TICK_SECONDS = 1.0
SIGN_SECONDS = 60.0  # after which a line says the same again: a log must tell a long wait from a dead command


class Step(Protocol):
    """Moves a progress bar: to the number done, or by one where none is given."""

    def __call__(self, done: int | None = None) -> None: ...


class Lines:
    """What a command says where there is no terminal. What is done in seconds needs no line."""

    def __init__(self, text: str, now: Callable[[], float] = time.monotonic) -> None:
        self.text, self.now = text, now
        self.said, self.at = "", now()

    def say(self, text: str) -> None:
        self.text = text

    def tick(self) -> None:
        """Print what is being done, if it is time to."""
        if self.now() - self.at >= (SIGN_SECONDS if self.text == self.said else NEWS_SECONDS):
            console.print(self.text)
            self.said, self.at = self.text, self.now()


@contextmanager
def _lines(text: str) -> Iterator[Lines]:
    lines, over = Lines(text), threading.Event()

    def tick() -> None:
        while not over.wait(TICK_SECONDS):
            lines.tick()

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    try:
        yield lines
    finally:
        over.set()
        ticking.join()


@contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done while the block runs, and give what says how far it is."""
    if console.is_terminal:
        with console.status(text) as spinner:
            yield spinner.update
    else:
        with _lines(text) as lines:
            yield lines.say


@contextmanager
def progress(text: str, total: int | None) -> Iterator[Step]:
    """Show how many are done while the block runs, and give what counts them."""
    if not console.is_terminal:
        with _lines(text) as lines:
            yield _counting(lines, text, total)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(text, total=total)

        def step(done: int | None = None) -> None:
            if done is None:
                bar.advance(task)
            else:
                bar.update(task, completed=done)

        yield step


def _counting(lines: Lines, text: str, total: int | None) -> Step:
    count = 0

    def step(done: int | None = None) -> None:
        nonlocal count
        count = count + 1 if done is None else done
        lines.say(f"{text}: {count}" + (f" of {total}" if total is not None else ""))

    return step


def followed(target: Target, execution_arn: str, what: str) -> Mapping[str, object]:
    """Return the output of an execution when it has ended. Whoever stops waiting is told that it goes on."""
    from client import pipeline

    name = execution_arn.rsplit(":", 1)[-1]
    try:
        with waiting(f"{what} {name} starts") as say:
            return pipeline.wait_for(target, execution_arn, say)
    except KeyboardInterrupt:
        on = f" --stack {target.outputs['StackName']}" if Settings.stack or Settings.profile else ""
        console.print(
            f"{what.capitalize()} {name} goes on. `sightline{on} status` shows where it is, "
            f"`sightline{on} runs cancel {name}` stops it."
        )
        raise
