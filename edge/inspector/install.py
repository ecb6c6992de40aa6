"""`python3 -m inspector.install`: the inspector's own virtual environment, from pinned wheels, without root.

This file is read by any Python 3, so that one that is too old gets a sentence instead of a syntax error.
"""

import sys

OLDEST = (3, 9)


def main() -> int:
    if sys.version_info[:2] < OLDEST:
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        print(
            f"the inspector can't be installed: `python3` is Python {found}, and it needs 3.9 to 3.13; install one of "
            "them",
            file=sys.stderr,
            flush=True,
        )
        return 1
    from .environment import main as install

    return install()


if __name__ == "__main__":
    sys.exit(main())
