"""An emulator without a stack, for tests of what AWS itself does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from client.target import Place
from local import emulator_process
from local.account import Credentials, read_credentials


@dataclass(frozen=True)
class Account:
    """The account as root sees it: `root` are its keys, `place` is where a stack may lie."""

    place: Place
    endpoint: str
    root: Credentials

    def client(self, service: str) -> Any:
        return self.place.aws.client(service)


@contextmanager
def started(folder: Path, stack: str = "sightline") -> Iterator[Account]:
    """Start an emulator in `folder`, and stop it afterwards."""
    port = emulator_process.free_port(0)
    pid = emulator_process.start(folder, port, tied=True)
    try:
        root, endpoint = read_credentials(folder), f"http://127.0.0.1:{port}"
        yield Account(Place(stack, boto3.Session(**root), endpoint), endpoint, root)
    finally:
        emulator_process.stop(folder, pid)
