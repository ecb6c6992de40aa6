"""Check that files and functions can be read at one sitting, and that lines fit beside each other.

- No product file is over 400 lines: what is longer does several jobs, so split it by job.
- No function is over 60 lines, from `def` to its last line.
- No line of a source is over 120 columns. ruff checks Python; here are shell, Make, YAML, TOML, JavaScript and CSS.

`STILL_OVER` lists what is over and being split. It must shrink: an entry that is not needed any more fails, too.
"""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES, MAX_FUNCTION, MAX_COLUMNS = 400, 60, 120
PRODUCT = {
    "benchmarks", "cli", "client", "console", "edge", "functions", "infra", "layers", "local", "pipelines", "reporting",
    "scripts", "statemachines", "training",
}  # fmt: skip
SOURCES = {".css", ".js", ".py", ".sh", ".toml", ".yaml", ".yml"}
NAMED = {"Makefile", "Dockerfile"}
# Data and tool output: nobody reads them from top to bottom.
GENERATED = {"template.yaml", "pipelines/bootstrap.yaml", "pipelines/codepipeline.yaml"}
# The SAM command line takes the parameters of a configuration as one string.
ONE_STRING = {"samconfig.toml"}
# An entry of the site's navigation is a title and a file in one line.
NAVIGATION = {"mkdocs.yml"}
STILL_OVER: set[str] = set()


def files() -> list[Path]:
    """Return the sources that git knows or would know."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [ROOT / name for name in sorted(set(names))]
    return [path for path in paths if path.is_file() and (path.suffix in SOURCES or path.name in NAMED)]


def long_functions(path: Path, name: str) -> dict[str, str]:
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION:
                found[f"{name}:{node.name}"] = f"{lines} lines; a function has {MAX_FUNCTION} at most"
    return found


def over(path: Path) -> dict[str, str]:
    """Return what is over in one file: its name, or `file:function`, and why."""
    name = path.relative_to(ROOT).as_posix()
    if name in GENERATED | ONE_STRING | NAVIGATION:
        return {}
    lines = path.read_text().splitlines()
    found = {}
    if name.split("/")[0] in PRODUCT:
        if len(lines) > MAX_LINES:
            found[name] = f"{len(lines)} lines; a file has {MAX_LINES} at most"
        if path.suffix == ".py":
            found |= long_functions(path, name)
    wide = [number for number, line in enumerate(lines, 1) if len(line) > MAX_COLUMNS]
    if wide and path.suffix != ".py":
        found[f"{name} (columns)"] = f"lines over {MAX_COLUMNS} columns: {', '.join(map(str, wide[:10]))}"
    return found


def main() -> None:
    found: dict[str, str] = {}
    for path in files():
        found |= over(path)
    wrong = [f"{what}: {why}" for what, why in found.items() if what not in STILL_OVER]
    wrong += [f"{what}: not over any more; take it out of STILL_OVER" for what in sorted(STILL_OVER - found.keys())]
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"Sizes are right; {len(STILL_OVER)} still to be split." if STILL_OVER else "Sizes are right.")


if __name__ == "__main__":
    main()
