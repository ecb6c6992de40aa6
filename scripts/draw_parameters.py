"""Write defaults, allowed values and meanings of template.yaml into docs/reference/parameters.md (`--check`).

The page has one row of five columns for each parameter. Its groups and the last column, "change it when", are written
by hand; the other columns are the template's.
"""

import re
import sys
from typing import TypedDict, cast

from client import template_file
from scripts.generated import ROOT, write_or_check

PAGE = ROOT / "docs" / "reference" / "parameters.md"
ROW = re.compile(r"^\| `(\w+)` \|(?:(?:[^|\\\n]|\\.)*\|){3}((?:[^|\\\n]|\\.)*)\|$", re.MULTILINE)


class Parameter(TypedDict, total=False):
    """A parameter of template.yaml."""

    Default: object
    AllowedValues: list[object]
    MinValue: float
    MaxValue: float
    Description: str


class Template(TypedDict):
    """What the page shows of template.yaml."""

    Parameters: dict[str, Parameter]


def template() -> Template:
    """Return template.yaml."""
    return cast(Template, template_file.read())


def default(entry: Parameter) -> str:
    """Return a parameter's default as the page shows it; an empty one is `none`."""
    return f"`{entry['Default']}`" if str(entry.get("Default", "")) else "none"


def allowed(entry: Parameter) -> str:
    """Return the values that the template allows; nothing where it allows all."""
    if "AllowedValues" in entry:
        return ", ".join(f"`{value}`" for value in entry["AllowedValues"])
    low, high = entry.get("MinValue"), entry.get("MaxValue")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else ""


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def row(name: str, advice: str, entry: Parameter) -> str:
    """Return the row of one parameter."""
    meaning = cell(entry.get("Description", ""))
    return f"| `{name}` | {default(entry)} | {allowed(entry)} | {meaning} | {advice.strip()} |"


def main(arguments: list[str]) -> int:
    parameters, page = template()["Parameters"], PAGE.read_text()
    rows = {match[1] for match in ROW.finditer(page)}
    if rows != set(parameters):
        names = ", ".join(sorted(rows ^ set(parameters)))
        print(f"{PAGE.relative_to(ROOT)}: add or remove the rows of {names}", file=sys.stderr)
        return 1
    text = ROW.sub(lambda match: row(match[1], match[2], parameters[match[1]]), page)
    return write_or_check({PAGE: text}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
