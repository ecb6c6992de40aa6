"""Run a Python module that ends with the process that started it, however that one ends.

`SIGHTLINE_PARENT=<pid> python -m local.emulator.tied training.train`. A job's process is in a group of its own, so
that it can be stopped with all it started; so nothing else would end it when the emulator is killed.
"""

import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable

PARENT = "SIGHTLINE_PARENT"
LOOK_SECONDS = 0.5


def end_with_parent(end: Callable[[], None]) -> None:
    """Call `end` in a thread when the process that `SIGHTLINE_PARENT` names is no longer this one's parent."""
    parent = int(os.environ[PARENT])

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        end()

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def main() -> None:
    end_with_parent(lambda: os.killpg(os.getpgrp(), signal.SIGKILL))
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
