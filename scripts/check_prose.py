"""Check the Markdown sources: lines of at most 120 columns, paragraphs of at most 120 words and five sentences.

Tables, code blocks and lines that hold one long link or word are left out. `check_prose.py [FILE …]`; without files it
checks every tracked Markdown file. It ends with 1 if it finds something, and names the file and the line.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
COLUMNS, WORDS, SENTENCES = 120, 120, 5
# A sentence ends with a full stop, a question or an exclamation mark before a space and a capital, a quote or code.
SENTENCE_END = re.compile(r"[.!?][)\"”*_`]*\s+(?=[A-Z`\"“(\[*])")
LIST_ITEM = re.compile(r"^\s*([-*+]|\d+\.)\s")
NO_PROSE = re.compile(r"^\s*(\||#|<!--|!\[|<|:?-{3,})")


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Give each paragraph and list item of a Markdown text with its first line's number; no tables, no code."""
    first, in_code = 0, False
    lines: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        fence = line.lstrip().startswith(("```", "~~~"))
        ends = fence or in_code or not line.strip() or NO_PROSE.match(line) or LIST_ITEM.match(line)
        if ends and lines:
            yield first, " ".join(lines)
            lines = []
        if fence:
            in_code = not in_code
        elif not in_code and line.strip() and not NO_PROSE.match(line):
            first = first if lines else number
            lines.append(line.strip())


def complaints(text: str) -> Iterator[tuple[int, str]]:
    """Give the number of each line that breaks a rule, with the rule."""
    in_code = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith(("```", "~~~")):
            in_code = not in_code
        elif len(line) > COLUMNS and not in_code and not line.lstrip().startswith("|") and " " in line.strip():
            yield number, f"{len(line)} columns; at most {COLUMNS}"
    for number, paragraph in paragraphs(text):
        words, sentences = len(paragraph.split()), len(SENTENCE_END.findall(paragraph)) + 1
        if words > WORDS:
            yield number, f"a paragraph of {words} words; at most {WORDS}"
        if sentences > SENTENCES:
            yield number, f"a paragraph of {sentences} sentences; at most {SENTENCES}"


def tracked() -> list[Path]:
    """Return every tracked Markdown file."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def main(arguments: list[str]) -> int:
    files = [Path(name).resolve() for name in arguments] or tracked()
    found = [(path, *complaint) for path in files for complaint in sorted(complaints(path.read_text()))]
    for path, number, rule in found:
        print(f"{path.relative_to(ROOT)}:{number}: {rule}")
    print(f"{len(files)} Markdown files, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
