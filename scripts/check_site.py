"""Check the built site: every page of docs/ is in the navigation, and no page loads anything from another server.

Run after `zensical build --strict`, which checks links and anchors.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
SITE = ROOT / "site"
FOREIGN = re.compile(r"^(https?:)?//", re.IGNORECASE)
# Attributes by which a browser loads something without a click; a link (`<a href>`) is only followed.
LOADING = {"src", "srcset", "data", "poster", "action"}
LOADING_LINKS = {"stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "icon", "manifest"}
IN_CSS = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)


class Loads(HTMLParser):
    """Collects what a page would load from other servers."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        loading = {name for name in said if name in LOADING}
        if tag == "link" and LOADING_LINKS & set(said.get("rel", "").split()):
            loading.add("href")
        self.foreign += [said[name] for name in sorted(loading) if FOREIGN.match(said[name])]
        self.foreign += IN_CSS.findall(said.get("style", ""))
        if "mermaid" in said.get("class", "").split():
            self.foreign.append("a Mermaid diagram: the theme loads its script from a CDN; draw an SVG instead")


def foreign(path: Path) -> list[str]:
    """Return what this built page or style sheet loads from other servers."""
    text = path.read_text(errors="replace")
    if path.suffix == ".css":
        return IN_CSS.findall(text)
    page = Loads()
    page.feed(text)
    return page.foreign


def in_navigation(entry: object) -> Iterator[str]:
    """Give the pages that a part of the navigation names."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for value in entry.values():
            yield from in_navigation(value)
    elif isinstance(entry, list):
        for value in entry:
            yield from in_navigation(value)


def unlinked() -> list[str]:
    """Return the pages that the navigation lacks, and the names in it that are no pages."""
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    named = list(in_navigation(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    twice = {name for name in named if named.count(name) > 1}
    return sorted((pages ^ set(named)) | twice)


def main() -> int:
    if not (SITE / "index.html").is_file():
        print("site/ is not built; run `make docs`", file=sys.stderr)
        return 1
    built = [path for path in SITE.rglob("*") if path.suffix in {".html", ".css", ".svg"}]
    problems = [f"mkdocs.yml: {name} is not in the navigation once" for name in unlinked()]
    problems += [f"{path.relative_to(ROOT)} loads {what}" for path in built for what in foreign(path)]
    print("\n".join([*problems, f"{len(built)} files of the site, {len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
