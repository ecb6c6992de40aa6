"""What the standard library of Python 3.9 and 3.10 lacks, which devices with Amazon Linux 2023, Ubuntu 22.04 and
JetPack 6 have.
"""

import sys

if sys.version_info >= (3, 11):
    from enum import StrEnum  # novm
    from typing import NotRequired  # novm
else:
    from enum import Enum

    class StrEnum(str, Enum):
        """Names whose values are texts, and that are written as their values."""

        __str__ = str.__str__
        __format__ = str.__format__

    class NotRequired:
        """A key that a TypedDict may lack; only type checkers read it."""

        def __class_getitem__(cls, kind):
            return kind


__all__ = ["NotRequired", "StrEnum"]
