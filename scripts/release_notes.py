"""Print the notes of a release from CHANGELOG.md: `python scripts/release_notes.py v0.1.0`.

Fails when the tag is not the version of pyproject.toml, or when the changelog has no dated section for it.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(changelog: str, version: str) -> str:
    """Return the section of a version, without its heading. Raise LookupError without a dated one."""
    found = re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d{{2}}-\d{{2}}\n(.*?)(?=^## |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    if not found:
        raise LookupError(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`; write it before the tag")
    return found[1].strip()


def main() -> None:
    tag = sys.argv[1] if len(sys.argv) == 2 else sys.exit("usage: release_notes.py TAG")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    if tag != f"v{version}":
        sys.exit(f"the tag is {tag}, the version in pyproject.toml {version}; the tag must be v{version}")
    try:
        print(notes((ROOT / "CHANGELOG.md").read_text(), version))
    except LookupError as error:
        sys.exit(str(error.args[0]))


if __name__ == "__main__":
    main()
