"""A process that is tied to another ends with it."""

import os
import subprocess
import sys
import time

from local.application import PROJECT


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_emulator_ends_with_the_process_that_it_is_tied_to() -> None:
    parent = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', sys.argv[1]]).pid, flush=True); input()"
    )
    child = (
        "import os, signal, time; from local.emulator import tied\n"
        "os.environ[tied.PARENT] = str(os.getppid()); tied.end_with_parent(lambda: os.kill(os.getpid(), "
        "signal.SIGKILL))\n"
        "print('tied', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    ) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        assert process.stdout.readline() == b"tied\n"  # a busy machine may take seconds to start it
        process.kill()
    deadline = time.monotonic() + 10
    while is_there(pid):
        assert time.monotonic() < deadline, "it still runs"
        time.sleep(0.1)
