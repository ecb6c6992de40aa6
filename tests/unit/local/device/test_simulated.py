"""Simulated devices of this machine: their names, and which process is theirs."""

import subprocess
from pathlib import Path

import pytest

from local.device import simulated
from local.device.simulated import SimulatedDevice
from sightline.errors import SightlineError


@pytest.mark.parametrize("name", ["../../out", "/tmp/out", "", "a b", "[/x]", "x" * 129])
def test_a_name_that_is_none_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match="is no simulated device's name"):
        SimulatedDevice(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_took_the_number_of_a_dead_device_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        dead = SimulatedDevice(tmp_path, "device-1")
        dead.root.mkdir(parents=True)
        (dead.root / "pid").write_text(str(stranger.pid))
        assert not dead.running
        simulated.stop_all(tmp_path)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
