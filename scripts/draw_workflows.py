"""Draw the workflows from their ASL files: docs/reference/workflows.md, a picture of each, and docs/images/loop.svg.

`python -m scripts.draw_workflows` writes the files; with `--check` it writes nothing and ends with 1 if one is out of
date.
"""

import sys
import textwrap

from scripts import loop_picture, workflow_picture
from scripts.generated import ROOT, table, write_or_check
from scripts.states_language import State, Workflow, every_state, load
from sightline.api.workflow_graph import next_states

PAGE = ROOT / "docs" / "reference" / "workflows.md"
PICTURES = ROOT / "docs" / "images"

HEAD = """# Workflows

The pictures and tables are drawn from `statemachines/*.asl.json` by `make docs`; `make check` fails when they are out
of date. An arrow shows which states may follow. Amber boxes ask, green ends are good, red ends are failures. Conditions
and the ways that errors take are in the tables.
"""


def page(workflows: dict[str, Workflow]) -> str:
    """Return the Markdown page with one picture and one table of states for each workflow."""
    parts = [HEAD]
    for name, definition in workflows.items():
        rows = [
            (f"`{state}`", service(body), what(body), follows(body), on_error(body))
            for state, body in every_state(definition)
        ]
        parts += [
            f"## {name}\n",
            textwrap.fill(definition.get("Comment", ""), 118) + "\n",
            f"![States of {name}](../images/workflow-{name}.svg)\n",
            table(("state", "kind", "what it does", "next", "on an error"), rows) + "\n",
        ]
    return "\n".join(parts)


def service(body: State) -> str:
    """Return what a state is, such as a Lambda that waits for an answer."""
    if body["Type"] != "Task":
        return {"Succeed": "end", "Fail": "failure"}.get(body["Type"], body["Type"].lower())
    action = body["Resource"].rpartition(":::")[2]
    name, _, call = action.partition(":")
    call, _, pattern = call.partition(".")
    shown = "Lambda" if name == "lambda" else f"{name.removeprefix('aws-sdk:')} {call}"
    waits = {"": "", "sync": ", waits for the job", "sync:2": ", waits for it"}
    return shown + waits.get(pattern, ", waits for an answer")


def follows(body: State) -> str:
    """Return the states that may follow, each with its condition."""
    told = [f"{asked}: `{state}`" if asked else f"`{state}`" for state, asked in next_states(body)]
    return "; ".join(told)


def on_error(body: State) -> str:
    """Return where each error leads: `RolloutSupersededError: DeploymentSuperseded; others: RollBack`."""
    catches = body.get("Catch", [])
    told = []
    for catch in catches:
        errors = ", ".join(f"`{error}`" for error in catch["ErrorEquals"] if error != "States.ALL")
        others = "others: " if len(catches) > 1 else ""
        told.append(f"{errors}: `{catch['Next']}`" if errors else f"{others}`{catch['Next']}`")
    return "; ".join(told)


def what(body: State) -> str:
    """Return the state's comment."""
    defaults = {"Succeed": "The workflow ends well.", "Fail": "The workflow ends failed."}
    return body.get("Comment", "") or defaults.get(body["Type"], "")


def main(arguments: list[str]) -> int:
    workflows = load()
    wanted = {PAGE: page(workflows), PICTURES / "loop.svg": loop_picture.draw(workflows)}
    for name, definition in workflows.items():
        wanted[PICTURES / f"workflow-{name}.svg"] = workflow_picture.draw(definition, f"States of {name}")
    return write_or_check(wanted, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
