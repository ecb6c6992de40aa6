"""The program of a simulated device."""

from pathlib import Path

from local.device.program import overrides


def test_a_device_inspects_its_own_folder_through_the_emulators_broker(tmp_path: Path) -> None:
    found = overrides(tmp_path, "mqtts://127.0.0.1:8883")
    assert (found["source"], found["mqttUrl"]) == (str(tmp_path / "images"), "mqtts://127.0.0.1:8883")
