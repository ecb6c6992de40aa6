"""`python -m pipelines COMMAND`: what a shell step can't do itself, with the variables that the step documents."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from client.doctor.template import configured
from pipelines import changes, deploying, training
from pipelines.place import Bootstrapped, StepError
from pipelines.reviewers import check_reviewers
from pipelines.sign_in import credentials
from sightline.errors import SightlineError


def here() -> Bootstrapped:
    return Bootstrapped.from_environment(os.environ)


def say(text: str) -> None:
    """Print a line at once: what follows may take minutes."""
    print(text, flush=True)


def print_credentials(given: argparse.Namespace) -> None:
    """Print a role's credentials for the AWS SDK that asks."""
    place = Bootstrapped(given.stack, given.account, given.region)
    print(json.dumps(credentials(place, given.role, os.environ)))


def plan(given: argparse.Namespace) -> None:
    """Make the change set of the packed template, and print it as Markdown."""
    place = here()
    words = shlex.split(os.environ.get("PARAMETERS", ""))
    if wrong := [word for word in words if "=" not in word]:
        raise StepError(f"PARAMETERS holds {wrong[0]!r}; write NAME=VALUE, with quotes around a value with spaces")
    own = dict(word.split("=", 1) for word in words)
    planned, found = changes.plan(place, given.release, given.template, configured(place.stack) | own, say)
    print(changes.as_markdown(place, planned, found))


def deploy(given: argparse.Namespace) -> None:
    """Execute the change set of a release."""
    deploying.deploy(here(), given.release, say)


def good(given: argparse.Namespace) -> None:
    """Note that a release passed its checks."""
    deploying.keep_as_good(here(), given.release)


def roll_back(_given: argparse.Namespace) -> None:
    """Go back to the release that passed its checks last."""
    back = deploying.roll_back(here(), say)
    say(f"{here().stack} runs release {back.release[:12]} again")


def is_empty(_given: argparse.Namespace) -> None:
    """End with 3 where the stack holds data, so that `sightline verify` would refuse it."""
    from client.doctor.deployed import Deployed
    from client.target import Place
    from client.verification.verification import VerificationError, refuse_unless_empty

    place = here()
    stack = Deployed.find(Place.find(None, place.region, place.stack, Path()))
    if stack is None:
        raise StepError(f"there is no stack {place.stack}; run deploy.sh before")
    try:
        refuse_unless_empty(stack, "")
    except VerificationError as error:
        say(str(error))
        sys.exit(3)


def train(given: argparse.Namespace) -> None:
    """Start a training, and print the execution's ARN."""
    print(training.start(here().target(), training.hyperparameters(given.hyperparameters)))


def gate(given: argparse.Namespace) -> None:
    """Wait for the gate; write the model's version, empty for nothing new, into a file. End with 1 for a rejection."""
    found = training.follow(here().target(), training.hyperparameters(given.hyperparameters), given.execution, say)
    say(f"{found.ending}: {found.reason}" + (f"; model version {found.version}" if found.version else ""))
    given.version.write_text(f"{found.version or ''}\n")
    if found.ending == training.Ending.REJECTED:
        sys.exit(1)


def reviewers(given: argparse.Namespace) -> None:
    """End with 1 unless a person has to approve each job in an environment on GitHub."""
    check_reviewers(given.environment, os.environ)
    say(f"the environment {given.environment} asks a person")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    top = argparse.ArgumentParser(prog="python -m pipelines", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], *arguments: str) -> None:
        one = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        for argument in arguments:
            one.add_argument(argument, type=Path if argument in ("template", "hyperparameters", "version") else str)
        one.set_defaults(run=run)

    command("credentials", print_credentials, "role", "stack", "account", "region")
    command("plan", plan, "release", "template")
    command("deploy", deploy, "release")
    command("good", good, "release")
    command("roll-back", roll_back)
    command("is-empty", is_empty)
    command("train", train, "hyperparameters")
    command("gate", gate, "hyperparameters", "execution", "version")
    command("reviewers", reviewers, "environment")
    return top


def main(arguments: list[str]) -> int:
    """Run a command; return the exit status. What a person can mend is one line."""
    given = parser().parse_args(arguments)
    try:
        given.run(given)
    except (SightlineError, OSError, BotoCoreError, ClientError) as error:
        print(f"pipelines: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
