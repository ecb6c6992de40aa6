"""The inspector under each Python of the systems that devices have: its own install step, then real images.

The install step asks the package index, as on a device.
"""

import io
import json
import os
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from edge import package
from edge.inspector.items import Queue
from edge.inspector.outbox import Outbox
from sightline.names import device_topics
from tests.fake_device import THING, make_model, photo
from tests.pythons import python
from training.data import Sample
from training.export import export
from training.model import DetectorNet
from training.quantize import quantize

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
VARIANTS = {"model.onnx": 1e-4, "model.int8.onnx": 0.02}  # by how much scores may differ
BRIGHTNESS = {"a-good.jpg": 60, "b-unsure.jpg": 120, "c-bad.jpg": 200}


@pytest.fixture(params=PYTHONS, scope="module")
def device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the inspector's zip unpacked and its environment installed by this Python."""
    version: str = request.param
    if not python(version):
        pytest.skip(f"this machine has no Python {version}")
    tmp_path = tmp_path_factory.mktemp("device")
    with zipfile.ZipFile(io.BytesIO(package.inspector_zip())) as archive:
        archive.extractall(tmp_path / "inspector")
    command = [python(version), "-u", "-m", "inspector.install", "--environment", str(tmp_path / "environment")]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "environment installed\n"), done.stderr
    again = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert again.stdout == "environment is there already\n"
    return tmp_path


def environment(root: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "HOME", "PATH", "SSL_"))}
    return {**kept, "PYTHONPATH": str(root / "inspector"), **more}


def messages(root: Path, kind: str) -> list[Any]:
    """What waits for the network: nobody takes messages here."""
    outbox = Outbox(root / "work" / "outbox.sqlite")
    try:
        items = outbox.next(Queue.MESSAGES, 1000)
    finally:
        outbox.close()
    return [json.loads(item.body) for item in items if item.address.rpartition("/")[2] == kind]


def test_it_proves_its_model_and_gives_the_same_verdicts_on_every_python(device: Path) -> None:
    make_model(device / "models" / "1.0.1" / "model")
    (device / "images").mkdir()
    for number, (name, brightness) in enumerate(BRIGHTNESS.items()):
        (device / "images" / name).write_bytes(photo(brightness, number))
    settings = {"modelVersion": "1.0.1", "source": str(device / "images"), "sampleRate": 0, "deleteInspected": True}
    (device / "settings.json").write_text(json.dumps(settings))
    command = [str(device / "environment" / "bin" / "python"), "-u", "-m", "inspector", "--thing", THING]
    command += ["--topics", device_topics("line", THING)]
    command += ["--models", str(device / "models"), "--work", str(device / "work")]
    command += ["--settings", str(device / "settings.json")]
    with (device / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment(device), stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while any((device / "images").iterdir()) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, (device / "log").read_text()
    verdicts = messages(device, "verdicts")
    assert [verdict["verdict"] for verdict in verdicts] == ["pass", "review", "fail"]
    assert [round(found["score"], 2) for found in verdicts[2]["detections"]] == [0.78]
    assert [(health["healthy"], health["model_version"]) for health in messages(device, "health")] == [(True, "1.0.1")]
    (summary,) = messages(device, "telemetry")
    assert summary["verdicts"] == {"pass": 1, "review": 1, "fail": 1}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The detector as training exports it, in floats and in 8 bits, images for it, and what it gives for them here."""
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    net = DetectorNet(2).eval()
    with torch.no_grad():
        for parameter in net.class_branch[-1].parameters():
            parameter.normal_(0, 0.5)
    export(net, root / "model.onnx", 64, 96)
    coarse = np.random.default_rng(0).integers(0, 255, (8, 8, 12, 3), dtype=np.uint8)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    samples = [Sample(str(number), "", image, *nothing, 1.0, (64, 96)) for number, image in enumerate(images)]
    quantize(root / "model.onnx", samples)
    np.save(root / "images.npy", images)
    for name in VARIANTS:
        np.save(
            root / f"{name}.npy", onnxruntime.InferenceSession(str(root / name)).run(["scores"], {"images": images})[0]
        )
    return root


@pytest.mark.parametrize("name", VARIANTS)
def test_it_computes_the_same_scores_with_the_onnxruntime_of_every_python(
    device: Path, models: Path, name: str
) -> None:
    program = f"""
import numpy, onnxruntime
session = onnxruntime.InferenceSession({str(models / name)!r}, providers=["CPUExecutionProvider"])
scores = session.run(["scores"], {{"images": numpy.load({str(models / "images.npy")!r})}})[0]
numpy.save({str(device / "scores.npy")!r}, scores)
"""
    subprocess.run([str(device / "environment" / "bin" / "python"), "-c", program], env=environment(device), check=True)
    expected, scores = np.load(models / f"{name}.npy"), np.load(device / "scores.npy")
    assert float(expected.max()) > 0.5, "the detector sees something"
    np.testing.assert_allclose(scores, expected, atol=VARIANTS[name])


class Tokens(BaseHTTPRequestHandler):
    """Greengrass's token exchange service, which writes the end of its keys with a Z."""

    def do_GET(self) -> None:
        body = {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": "2026-11-30T10:00:00Z"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def tokens() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Tokens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_it_reads_the_end_of_its_keys_on_every_python(device: Path, tokens: str) -> None:
    program = "from inspector.uploader import fetch_credentials; print(fetch_credentials()[1].isoformat())"
    given = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": tokens, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"}
    command = [str(device / "environment" / "bin" / "python"), "-c", program]
    done = subprocess.run(command, env=environment(device, **given), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2026-11-30T10:00:00+00:00\n", "")
