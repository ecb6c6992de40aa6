"""Validate every workflow in statemachines/ with two independent tools; ends with 1 and one line for each problem.

statelint checks the Amazon States Language itself (fields, types, reachable states, JSONPath). cfn-lint checks the
definition as CloudFormation gets it, with AWS's own schema; it reads only definitions inside a template, so each file
is put into one.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from cfnlint.api import lint_all
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

ROOT = Path(__file__).parent.parent
# A whole number is a number to Step Functions, also where the specification says "float".
STATELINT = Config({ProblemType.FLOAT})
SUBSTITUTION = re.compile(r"\$\{(\w+)\}")


def problems_of(path: Path) -> list[str]:
    """Give every problem of one ASL file as a line of text."""
    text = path.read_text()
    try:
        definition = json.loads(SUBSTITUTION.sub(_stand_in, text))
    except json.JSONDecodeError as error:
        return [f"not JSON: {error}"]
    problems = [str(problem) for problem in Linter.validate(_known(definition), STATELINT)]
    matches = lint_all(json.dumps(_template(definition), indent=1))
    return problems + [f"{match.rule.id} {match.message}" for match in matches]


def _known(definition: Any) -> Any:
    """The definition without what statelint does not know: how a distributed map reads its items is newer than it."""
    if isinstance(definition, dict):
        return {key: _known(value) for key, value in definition.items() if key != "ReaderConfig"}
    return [_known(value) for value in definition] if isinstance(definition, list) else definition


def _stand_in(match: re.Match[str]) -> str:
    """Replace a substitution by what it stands for: an ARN, or its own name where it is part of a longer text."""
    name = match.group(1)
    if name.endswith(("Function", "Arn")):
        return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    return name


def _template(definition: object) -> dict[str, object]:
    return {
        "Resources": {
            "Workflow": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": "arn:aws:iam::123456789012:role/workflow", "Definition": definition},
            }
        }
    }


def main() -> int:
    paths = sorted((ROOT / "statemachines").glob("*.asl.json"))
    if not paths:
        print("statemachines: no *.asl.json file found")
        return 1
    failures = [f"{path.relative_to(ROOT)}: {problem}" for path in paths for problem in problems_of(path)]
    print("\n".join(failures) or f"{len(paths)} workflows are valid")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
