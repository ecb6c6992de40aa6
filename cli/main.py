"""The command line: its options, its groups of commands (`cli/commands/`), and what becomes of an error."""

import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli import examples
from cli.commands import (
    adopt,
    cost,
    dataset,
    device,
    doctor,
    labels,
    logs,
    loop,
    models,
    remove,
    runs,
    stack,
    status,
    user,
    verify,
)
from cli.screen import Settings, console
from sightline.errors import SightlineError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Visual inspection, from dropped images to verdicts on devices.",
)
for commands in (stack, status, logs, doctor, verify, remove, adopt, loop):
    app.add_typer(commands.app)
for group in (models, runs, dataset, labels, device, user, cost):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])
examples.give(app)


def show_version(wanted: bool) -> None:
    if wanted:
        print(f"sightline {version('sightline')}")
        raise typer.Exit


@app.callback()
def main_options(
    profile: Annotated[
        str | None, typer.Option(help="AWS profile; without it and --stack, the stack on this machine.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; default: the profile's.")] = None,
    stack: Annotated[str | None, typer.Option(help="Name of the stack on AWS; default: sightline.")] = None,
    home: Annotated[Path, typer.Option(help="Folder of the local run's state.")] = Path(".sightline"),
    _version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    for name, value in (("--profile", profile), ("--region", region), ("--stack", stack)):
        if value == "":  # a variable of a script that is not set: the local stack is not meant
            raise SightlineError(f"{name} is empty; give a name or leave it out")
    Settings.profile, Settings.region, Settings.stack, Settings.home = profile, region, stack, home


def end(number: int, _frame: object) -> None:
    """End as Ctrl-C does, so that what was started is taken down, when a terminal is closed or a supervisor says so."""
    raise SystemExit(128 + number)


def fail(error: Exception) -> None:
    """Say what is wrong in one line."""
    if not isinstance(error, SightlineError):
        from local import disk

        error = disk.explained(error, Settings.home) or error
    console.print(Text.assemble(("sightline:", "red"), f" {error}"))
    sys.exit(1)


def main() -> None:
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, end)
    try:
        code = app(standalone_mode=False)
    except SightlineError as error:
        fail(error)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except Exception as error:
        module = type(error).__module__
        if module.startswith(("click", "typer")):  # a usage error: Typer says it in one line
            error.show()  # type: ignore[attr-defined]
            sys.exit(2)
        # A file, the network, or what AWS refused.
        if isinstance(error, OSError) or module.startswith(("botocore", "boto3")):
            fail(error)
        raise
    if code:  # Typer answers 130 for Ctrl-C; the commands themselves answer nothing
        sys.exit(code)


if __name__ == "__main__":
    main()
