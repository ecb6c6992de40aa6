"""People who may sign in to the page."""

from typing import Annotated

import typer

from cli.screen import console, target

app = typer.Typer(no_args_is_help=True, help="People who may sign in to the page.")


@app.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    engineer: Annotated[bool, typer.Option(help="May also approve models and settle the attention list.")] = False,
) -> None:
    """Make a user, and print the password for the first sign-in, which asks for another one."""
    from client import users

    print(users.add(target(), name, engineer=engineer))
    console.print(f"{name} may sign in with this password, once, within 7 days.")
