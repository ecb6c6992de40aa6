"""Write the list of commands into docs/reference/command-line.md from what `--help` says (`make docs`; `--check`)."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from cli.main import app
from scripts.generated import ROOT, table, with_block, write_or_check

PAGE = ROOT / "docs" / "reference" / "command-line.md"


def commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Give each command with its whole name, the groups that do something themselves too."""
    for name, command in group.commands.items():
        if not hasattr(command, "commands"):
            yield f"{prefix} {name}", command
            continue
        if command.invoke_without_command:
            yield f"{prefix} {name}", command
        yield from commands(command, f"{prefix} {name}")


def section(name: str, command: Any) -> str:
    """Return the section of one command: what it does, how it is called, its arguments and options."""
    parts = [f"### `{name}`", " ".join((command.help or "").split())]
    if "local_only(" in inspect.getsource(inspect.unwrap(command.callback)):
        parts.append("On this machine only.")
    parts.append(f"```\n{usage(name, command)}\n```")
    if command.epilog:
        parts.append(f"{command.epilog.replace('Example: ', 'Example: `', 1)}`")
    rows = [row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        parts.append(table(("argument or option", "default", "meaning"), rows))
    return "\n\n".join(parts)


def usage(name: str, command: Any) -> str:
    """Return the line that calls the command, such as `sightline labels import FILE|DIR --format NAME [options]`."""
    arguments = [parameter for parameter in command.params if not is_option(parameter)]
    needed = [parameter for parameter in command.params if is_option(parameter) and parameter.required]
    words = [value_name(parameter) for parameter in arguments if parameter.required]
    words += [f"[{value_name(parameter)}]" for parameter in arguments if not parameter.required]
    words += [f"{parameter.opts[0]} {value_name(parameter)}" for parameter in needed]
    optional = ["[options]"] if len(needed) + len(arguments) < len(command.params) else []
    return " ".join([name, *words, *optional])


def row(parameter: Any) -> tuple[str, str, str]:
    """Return the table row of an argument or option: its name, its default, its help with the range."""
    default = "required" if parameter.required else shown_default(parameter)
    meaning = " ".join((getattr(parameter, "help", None) or "").split())
    if parameter.min is not None:
        limits = (
            f"{parameter.min:g} to {parameter.max:g}" if parameter.max is not None else f"at least {parameter.min:g}"
        )
        meaning += f" ({limits})"
    return f"`{shown_name(parameter)}`", default, meaning


def shown_name(parameter: Any) -> str:
    """Return `--json`, `--wait, --no-wait`, `--format NAME`, or an argument's placeholder."""
    if not is_option(parameter):
        return value_name(parameter)
    if not parameter.is_flag:
        return f"{', '.join(parameter.opts)} {value_name(parameter)}"
    return ", ".join([*parameter.opts, *(parameter.secondary_opts if parameter.default else [])])


def shown_default(parameter: Any) -> str:
    """Return the default as a person would write it; nothing where there is none."""
    if is_option(parameter) and parameter.is_flag:
        return f"`{parameter.opts[0]}`" if parameter.default else ""
    return f"`{parameter.default}`" if parameter.default not in (None, "") and not callable(parameter.default) else ""


def is_option(parameter: Any) -> bool:
    """Say whether this is an option such as `--json`, not an argument."""
    return bool(parameter.opts[0].startswith("-"))


def value_name(parameter: Any) -> str:
    """Return what stands for a value: its metavar, or its type for an option, its name for an argument."""
    if parameter.metavar:
        return str(parameter.metavar)
    if not is_option(parameter):
        return str(parameter.name).upper()
    return {int: "N", float: "X", Path: "PATH"}.get(parameter.type_descriptor.annotation, "TEXT")


def main(arguments: list[str]) -> int:
    sections = [section(name, command) for name, command in commands(get_command(app), "sightline")]
    text = with_block(PAGE.read_text(), "commands", "\n\n".join(sections))
    return write_or_check({PAGE: text}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
