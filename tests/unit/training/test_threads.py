"""PyTorch's threads leave the cores to others while they wait."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("chosen", [None, "ACTIVE"])
def test_threads_of_a_training_sleep_while_they_wait_unless_somebody_chose_otherwise(chosen: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_DISPLAY_ENV": "VERBOSE"} | ({"OMP_WAIT_POLICY": chosen} if chosen else {})
    command = [sys.executable, "-c", "import training, torch"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    spins = next(line.split("'")[1] for line in said.splitlines() if "GOMP_SPINCOUNT" in line)
    assert (spins == "0") is (chosen is None)
