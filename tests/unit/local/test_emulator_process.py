"""The emulator's process: which port it takes."""

import socket

import pytest

from local import emulator_process


def test_another_port_is_taken_when_the_usual_one_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(emulator_process, "PORT", taken.getsockname()[1])
        assert emulator_process.free_port() != emulator_process.PORT
