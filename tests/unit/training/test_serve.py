"""`serve` of the training image: SageMaker's two requests, and whatever else is sent."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sightline.vision.detector import Detector, UnusableModelError
from tests.drawn_models import files
from tests.fake_cloud import jpeg
from tests.project import ROOT
from training.serve import Server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, body in files(0.6).items():
        (tmp_path / name).write_bytes(body)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    made = Server(folder, 0, "127.0.0.1")
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_an_image_gets_the_verdict_of_the_device(server: Server, folder: Path) -> None:
    port = server.server_address[1]
    assert ask(port, "GET", "/ping") == (200, {})
    status, answer = ask(port, "POST", "/invocations", jpeg(1))
    assert (status, answer) == (200, {"training_job": "", **Detector(folder).judge(jpeg(1))})
    assert answer["verdict"] == "fail"


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/invocations", b"", {}, 400),
        ("/invocations", b"no image", {}, 400),
        ("/invocations", jpeg(1)[:300], {}, 400),
        ("/invocations", b"", {"Content-Length": "99999999"}, 413),
        ("/invocations", b"", {"Content-Length": "-1"}, 411),
        ("/invocations", b"", {"Content-Length": "many"}, 411),
        ("/elsewhere", jpeg(1), {}, 404),
    ],
)
def test_what_is_no_image_gets_one_line(
    server: Server, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    port = server.server_address[1]
    got, answer = ask(port, "POST", path, body, **headers)
    assert (got, set(answer), "\n" in answer["message"]) == (status, {"message"}, False)
    assert ask(port, "GET", "/ping")[0] == 200


def test_a_model_that_can_not_be_loaded_opens_no_port(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"cut off")
    with pytest.raises(UnusableModelError):
        Server(folder, 0, "127.0.0.1")


def test_the_process_serves_and_ends_when_it_is_told_to(folder: Path) -> None:
    port = 20_000 + os.getpid() % 10_000
    environment = os.environ | {"SM_MODEL_DIR": str(folder), "SAGEMAKER_BIND_TO_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "training.serve"],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "sightline")])},
    )
    until = time.monotonic() + 60
    while True:
        try:
            assert ask(port, "GET", "/ping") == (200, {})
            break
        except OSError:
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
