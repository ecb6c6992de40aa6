"""What the names in files of labels mean: the ends of paths, spelled as other tools spell them.

A name means something only where exactly one thing has it. Spellings are tried from the surest on, and the first that
anything has decides.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote, unquote_plus

from client.formats.files import address, stem

DEEPEST = 32  # parts of a path that count, from its end
URL = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
PREFIX = re.compile(r"^(?!(?:19|20)\d{6}-)[0-9a-f]{8}-(?=.)")  # of Label Studio's uploads; a date is none
ROBOFLOW = re.compile(r"^(.+)_(jpe?g|png|bmp|webp|tiff?)\.rf\.[0-9a-zA-Z]{8,}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meant:
    """The things that a name may mean, how many parts of their path say so, and whether those are the whole name."""

    things: frozenset[str]
    parts: int = 0
    whole: bool = True


NOTHING = Meant(frozenset())


@dataclass
class Names:
    """Things by their paths."""

    paths: dict[str, set[str]] = field(default_factory=dict)  # the things that have each path

    def add(self, path: str, thing: str) -> None:
        self.paths.setdefault(path.replace("\\", "/"), set()).add(thing)

    def find(self, name: str) -> Meant:
        """Return what a name means: nothing, one thing, or several that can't be told apart."""
        for path in _readings(name):
            for spell, known in ((_plain, self._ends), (_folded, self._folded_ends)):
                for ending in (spell(path), stem(spell(path))):
                    if (found := _longest(ending, known)).things:
                        return found
        return self._by_tool(_readings(name)[-1].rsplit("/", 1)[-1])

    def _by_tool(self, tail: str) -> Meant:
        """Return what a file name means that a tool has made of another one."""
        tails = [tail, PREFIX.sub("", tail)]
        for name in tails[1:] if tails[1] != tail else []:
            for key, known in ((_folded(name), self._folded_ends), (stem(_folded(name)), self._folded_ends)):
                if key in known:
                    return Meant(frozenset(known[key]), 1)
        for name in tails:
            if (key := stem(_folded(name))) in self._cleaned:
                return Meant(frozenset(self._cleaned[key]), 1)
        if match := ROBOFLOW.match(stem(tail)):
            return Meant(frozenset(self._dashed.get(_dashed(match[1]), ())), 1)
        return NOTHING

    @cached_property
    def _ends(self) -> dict[str, set[str]]:
        return self._by(_plain, _endings)

    @cached_property
    def _folded_ends(self) -> dict[str, set[str]]:
        return self._by(_folded, _endings)

    @cached_property
    def _cleaned(self) -> dict[str, set[str]]:
        return self._by(lambda path: _cleaned(stem(_folded(path).rsplit("/", 1)[-1])), lambda end: (end,))

    @cached_property
    def _dashed(self) -> dict[str, set[str]]:
        return self._by(lambda path: _dashed(stem(path.rsplit("/", 1)[-1])), lambda end: (end,))

    def _by(self, spell: Callable[[str], str], ends: Callable[[str], Iterable[str]]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for path, things in self.paths.items():
            for end in ends(spell(path)):
                found.setdefault(end, set()).update(things)
        return found


def _longest(path: str, known: dict[str, set[str]]) -> Meant:
    """Return what the longest end of a path that is known means."""
    parts = path.split("/")
    for start in range(max(0, len(parts) - DEEPEST), len(parts)):
        if things := known.get("/".join(parts[start:])):
            return Meant(frozenset(things), len(parts) - start, start == 0)
    return NOTHING


def _endings(path: str) -> Iterator[str]:
    """Give every end of a path, with the extension and without."""
    parts = path.split("/")
    for start in range(max(0, len(parts) - DEEPEST), len(parts)):
        end = "/".join(parts[start:])
        yield from {end, stem(end)}


def _readings(name: str) -> list[str]:
    """Return the paths that a name or an address may stand for, the surest first."""
    path = name.strip().replace("\\", "/")
    if URL.match(path):
        parts = address(path)
        path = path.split("/", 3)[-1]
        if parts.scheme.lower() != "s3":  # an address of the web is encoded; a key may have any sign
            path = parts.path.lstrip("/")
            return list(dict.fromkeys([unquote(path), path, unquote_plus(path) if "%" in path else path]))
    encoded = [unquote(path), unquote_plus(path)] if "%" in path else []
    return list(dict.fromkeys([path, *encoded, html.unescape(path), path.partition("?")[0] or path]))


def _plain(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _cleaned(name: str) -> str:
    """Return a name as Label Studio keeps uploads: blanks are underscores, and other signs are gone."""
    return re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))


def _dashed(name: str) -> str:
    """Return a name as Roboflow keeps it: whatever is no letter or digit of English is a dash."""
    return re.sub(r"[^0-9a-z]+", "-", name.lower()).strip("-")
