"""Hold the templates against checkov: each finding is mended, or accepted with its reason in infra/accepted.toml.

`make check` runs it. checkov has an environment of its own, below .venv, because it needs other versions of what the
project uses; requirements-checkov.lock names them by hash.
"""

import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-checkov.lock"
ENVIRONMENT = ROOT / ".venv" / "checkov"
STAMP = ENVIRONMENT / "installed.lock"
ACCEPTED = ROOT / "infra" / "accepted.toml"
TEMPLATES = ("template.yaml", "pipelines/bootstrap.yaml", "pipelines/codepipeline.yaml")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What a rule says of a resource, such as `template.yaml: AWS::S3::Bucket.ImagesBucket`."""

    rule: str
    place: str
    says: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Findings of one rule that are right as they are, at the places that match a pattern, and why."""

    rule: str
    places: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding) -> bool:
        return finding.rule == self.rule and any(fnmatchcase(finding.place, pattern) for pattern in self.places)


def read(text: str) -> list[Accepted]:
    """Return what is accepted. Raise ValueError for a reason or a place that is missing."""
    found = [
        Accepted(rule, tuple(entry.get("places", ())), str(entry.get("reason", "")).strip())
        for rule, entries in tomllib.loads(text).items()
        for entry in entries
    ]
    for one in found:
        if not one.reason or not one.places:
            raise ValueError(f"{ACCEPTED.name}: {one.rule} needs places and a reason")
    return found


def findings(reports: list[dict[str, Any]]) -> list[Finding]:
    """Return what checkov found; its path of a file begins with a slash."""
    return sorted(
        Finding(entry["check_id"], f"{entry['file_path'].lstrip('/')}: {entry['resource']}", entry["check_name"])
        for report in reports
        for entry in report["results"]["failed_checks"]
    )


def complaints(found: list[Finding], accepted: list[Accepted]) -> list[str]:
    """Return a line for each finding that nobody accepted, and for each that is accepted and is not there."""
    new = [
        f"{one.place}: {one.says} ({one.rule}): mend it, or accept it with the reason in infra/{ACCEPTED.name}"
        for one in found
        if not any(entry.covers(one) for entry in accepted)
    ]
    gone = [
        f"infra/{ACCEPTED.name}: {entry.rule} finds nothing at {pattern!r} any more: remove it"
        for entry in accepted
        for pattern in entry.places
        if not any(one.rule == entry.rule and fnmatchcase(one.place, pattern) for one in found)
    ]
    return new + gone


def install() -> None:
    """Make checkov's environment, unless it is there as the lock says."""
    if STAMP.is_file() and STAMP.read_text() == LOCK.read_text():
        return
    subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)], check=True)
    python = str(ENVIRONMENT / "bin" / "python")
    command = ["uv", "pip", "install", "--quiet", "--python", python, "--require-hashes", "--requirement", str(LOCK)]
    subprocess.run(command, check=True)
    STAMP.write_text(LOCK.read_text())


def ask() -> list[dict[str, Any]]:
    """Return checkov's reports of all templates."""
    files = [argument for name in TEMPLATES for argument in ("--file", name)]
    command = [str(ENVIRONMENT / "bin" / "checkov"), *files, "--framework", "cloudformation", "--skip-download"]
    options = ["--quiet", "--compact", "--output", "json"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        found: Any = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"checkov gave no report: {(done.stderr or done.stdout).strip()[-500:]}")
    return found if isinstance(found, list) else [found]


def main() -> int:
    install()
    found, accepted = findings(ask()), read(ACCEPTED.read_text())
    wrong = complaints(found, accepted)
    print("\n".join(wrong) if wrong else f"checkov: {len(found)} findings, each accepted with its reason")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
