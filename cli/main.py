"""The command line: its options, its groups of commands (`cli/commands/`), and what becomes of an error."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cli.commands import dataset, device, labels, loop, models, stack, user
from cli.screen import Settings, console
from sightline.errors import SightlineError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Visual inspection, from dropped images to verdicts on devices.",
)
for commands in (stack, loop):
    app.add_typer(commands.app)
for group in (models, dataset, labels, device, user):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])


@app.callback()
def main_options(
    profile: Annotated[
        str | None, typer.Option(help="AWS profile; without it and --stack, the stack on this machine.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; default: the profile's.")] = None,
    stack: Annotated[str | None, typer.Option(help="Name of the stack on AWS; default: sightline.")] = None,
    home: Annotated[Path, typer.Option(help="Folder of the local run's state.")] = Path(".sightline"),
) -> None:
    Settings.profile, Settings.region, Settings.stack, Settings.home = profile, region, stack, home


def main() -> None:
    try:
        app(standalone_mode=False)
    except SightlineError as error:
        console.print(f"[red]sightline:[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
        sys.exit(1)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        module = type(error).__module__
        if module.startswith(("click", "typer")):  # a usage error: Typer says it in one line
            error.show()  # type: ignore[attr-defined]
            sys.exit(2)
        if isinstance(error, OSError) or module.startswith(
            ("botocore", "boto3")
        ):  # a file, the network, or what AWS refused
            console.print(f"[red]sightline:[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
            sys.exit(1)
        raise


if __name__ == "__main__":
    main()
