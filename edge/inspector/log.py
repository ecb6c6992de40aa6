"""Lines for people on the component's log: a reason that stays the same is said once, not with every try."""

import sys


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def one_line(error: BaseException) -> str:
    """What an error is, whoever raised it: libraries write whole paragraphs."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


class Said:
    """Says a reason when it is another one than before; an empty one says that all is well again."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, reason: str) -> None:
        if reason and reason != self._last:
            say(reason)
        self._last = reason
