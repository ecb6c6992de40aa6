"""predict: the verdict of the model in service, whatever is sent, and whatever happens to the next model."""

import base64
import io
import json
import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from client.predicting import MAX_BYTES, PredictError, predict
from client.target import Target
from sightline.api import http
from sightline.models.registry import Registry
from sightline.vision.detector import Detector
from tests.drawn_models import files, release
from tests.fake_cloud import Cloud, jpeg
from tests.given_aws import GivenAws
from tests.project import ROOT

MEMORY_MB = 512


def encoded(kind: str, image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG whose header tells of more pixels than there are."""
    honest = encoded("PNG", Image.new("L", (16, 16)))
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + honest[24:29]
    return honest[:12] + header + zlib.crc32(header).to_bytes(4, "big") + honest[33:]


class Service:
    """The function with its champion, which a test may change."""

    def __init__(self, app: ModuleType, cloud: Cloud, champion: list[Any]) -> None:
        self.app, self.cloud, self.champion = app, cloud, champion

    def ask(self, image: bytes | None = None, **changes: Any) -> tuple[int, Any]:
        event = self.cloud.event("predict")
        if image is not None:
            event["body"] = base64.b64encode(image).decode()
        answer = self.app.handler(event | changes, self.cloud.context)
        return answer["statusCode"], json.loads(answer["body"])

    def approve(self, version: int, score: float) -> None:
        self.champion[:] = [release(self.cloud, version, score)]
        self.app.model._asked = float("-inf")  # a minute later


@pytest.fixture
def service(cloud: Cloud, load_app: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> Service:
    champion: list[Any] = [release(cloud, 3, 0.6)]
    monkeypatch.setattr(Registry, "champion", lambda *_: champion[0])
    return Service(load_app("predict", **cloud.environment), cloud, champion)


def test_the_answer_is_that_of_a_device(service: Service, tmp_path: Path) -> None:
    for name, body in files(0.6).items():
        (tmp_path / name).write_bytes(body)
    detector, photo = Detector(tmp_path), jpeg(1, side=128)
    found = detector.inspect(photo)
    status, answer = service.ask(photo)
    assert (status, answer.pop("latency_ms") > 0) == (200, True)
    assert answer == {
        "model_version": "1.0.3",
        "verdict": detector.verdict(found),
        "detections": [detection.as_dict() for detection in found],
    }
    assert answer["detections"][0]["box"] == [8.0, 10.0, 60.0, 40.0]  # in pixels of the image, not of the model


@pytest.mark.parametrize(("score", "verdict", "boxes"), [(0.6, "fail", 1), (0.3, "review", 1), (0.1, "pass", 0)])
def test_the_models_own_thresholds_decide(service: Service, score: float, verdict: str, boxes: int) -> None:
    service.approve(4, score)
    _, answer = service.ask()
    assert (answer["verdict"], len(answer["detections"])) == (verdict, boxes)


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"body": None}, 400, "the body is empty"),
        ({"body": ""}, 400, "the body is empty"),
        ({"body": "ÿØÿà", "isBase64Encoded": False}, 415, "send the image's bytes with Content-Type"),
        ({"body": "not base64!"}, 400, "the body is not base64"),
        ({"body": "ünïcode"}, 400, "the body is not base64"),
        ({"body": "A" * 6_000_001}, 413, "at most 6000000 are taken"),
        ({"body": base64.b64encode(b"no image").decode()}, 400, "not an image in one of the formats"),
        ({"body": base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()}, 400, "not an image"),
        ({"body": base64.b64encode(jpeg(1)[:300]).decode()}, 400, "damaged image"),
        ({"body": base64.b64encode(claiming(60_000, 60_000)).decode()}, 400, "pixels"),
        ({"body": base64.b64encode(claiming(9_000, 9_000)).decode()}, 400, "at most 64000000 pixels are taken"),
        ({"body": base64.b64encode(claiming(0, 0)).decode()}, 400, "the image can't be read"),
        ({"body": base64.b64encode(encoded("PNG", Image.new("L", (8, 8)))).decode()}, 400, "at least 16"),
    ],
)  # fmt: skip
def test_what_is_no_image_to_look_at_gets_one_line(
    service: Service, changes: dict[str, Any], status: int, says: str
) -> None:
    got, answer = service.ask(**changes)
    assert (got, set(answer)) == (status, {"message"})
    assert says in answer["message"]
    assert "\n" not in answer["message"]
    assert service.ask()[0] == 200  # and the next caller is served


def test_without_an_approved_model_there_is_no_verdict(service: Service) -> None:
    service.champion[:] = [None]
    assert service.ask() == (503, {"message": "no model is in service; approve one first"})
    service.approve(1, 0.6)
    assert service.ask()[1]["model_version"] == "1.0.1"
    service.champion[:] = [None]  # its approval is taken back
    service.app.model._asked = float("-inf")
    assert service.ask()[0] == 503


def test_the_registry_is_asked_once_in_a_while(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Registry, "champion", lambda self, _: asked.append(self.group) or service.champion[0])  # type: ignore[func-returns-value]
    for _ in range(3):
        service.ask()
    assert asked == ["models"]
    service.approve(4, 0.3)
    assert service.ask()[1]["model_version"] == "1.0.4"
    assert len(asked) == 2


def test_the_last_good_model_goes_on_when_the_next_one_fails(service: Service) -> None:
    assert service.ask()[1]["model_version"] == "1.0.3"
    service.approve(4, 0.3)
    service.cloud.s3.put_object(Bucket="artifacts", Key="models/job-4/release/model.onnx", Body=b"cut off")
    assert service.ask()[1]["model_version"] == "1.0.3"
    service.approve(5, 0.3)
    assert service.ask()[1]["model_version"] == "1.0.5"


def test_the_model_at_hand_answers_while_the_registry_is_slow(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.ask()[1]["model_version"] == "1.0.3"
    service.approve(4, 0.3)
    answers = threading.Event()
    monkeypatch.setattr(Registry, "champion", lambda *_: answers.wait(30) and service.champion[0])
    monkeypatch.setattr(service.app, "PATIENCE_SECONDS", 0.01)
    assert service.ask()[1]["model_version"] == "1.0.3"
    answers.set()
    until = time.monotonic() + 30
    while service.ask()[1]["model_version"] != "1.0.4":
        assert time.monotonic() < until


def test_a_first_model_that_fails_is_an_error_and_is_tried_again(
    service: Service, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    http.logger.addHandler(caplog.handler)
    good = service.cloud.read("models/job-3/release/model.onnx")
    service.cloud.s3.put_object(Bucket="artifacts", Key="models/job-3/release/model.onnx", Body=b"cut off")
    status, said = service.ask()
    assert (status, said["id"]) == (500, service.cloud.context.aws_request_id)
    assert "can't be loaded" in caplog.text
    assert '"RequestsFailed":[1.0]' in capsys.readouterr().out  # the alarm counts it
    service.cloud.s3.put_object(Bucket="artifacts", Key="models/job-3/release/model.onnx", Body=good)
    assert service.ask()[0] == 200


def test_in_lambda_the_model_is_there_before_the_first_caller(
    cloud: Cloud, load_app: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "champion", lambda *_: release(cloud, 3, 0.6))
    ready = load_app("predict", **cloud.environment, AWS_LAMBDA_INITIALIZATION_TYPE="on-demand")
    assert ready.model.model[0].version == "1.0.3"
    monkeypatch.setattr(Registry, "champion", lambda *_: 1 / 0)
    assert load_app("predict", **cloud.environment).model.model is None  # whoever calls is told


HEAVY = """
import base64, json, sys
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, "functions/predict")
import app
from sightline.models.releases import Release
from sightline.vision import release
folder = Path(sys.argv[1])
app.model.model = Release("1.0.1", ""), release.load(lambda name: (folder / name).read_bytes(), threads=1)
app.model._asked = float("inf")
context = SimpleNamespace(function_name="f", memory_limit_in_mb=512, invoked_function_arn="a", aws_request_id="1")
event = json.loads(Path("events/predict.json").read_text())
for file in sorted(folder.glob("*.image")):
    event["body"] = base64.b64encode(file.read_bytes()).decode()
    print(file.stem, app.handler(event, context)["statusCode"], file=sys.stderr)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from Linux's /proc")
def test_the_largest_images_leave_room_in_its_memory(cloud: Cloud, tmp_path: Path) -> None:
    """Flat pictures have few bytes and cost the most; the model of a real line may need 100 MB more."""
    side = 3464
    deep = Image.fromarray(np.full((side, side), 3000, np.int32))
    scan = np.zeros((30_000, 2_048, 3), np.uint8)  # of a line camera
    heavy = {
        "scan-png": encoded("PNG", Image.fromarray(scan), compress_level=1),
        "scan-jpeg": encoded("JPEG", Image.fromarray(scan), quality=50),
        "scan-tiff": encoded("TIFF", Image.fromarray(scan[..., 0].astype(np.uint16)), compression="tiff_deflate"),
        "png": encoded("PNG", Image.new("RGBA", (side, side))),
        "webp": encoded("WEBP", Image.new("RGBA", (side, side)), lossless=True),
        "tiff": encoded("TIFF", deep, compression="tiff_deflate"),
        "jpeg": encoded("JPEG", Image.new("RGB", (side, side)), progressive=True, subsampling=0),
        "bomb": claiming(60_000, 60_000),
    }
    for name, body in files(0.6).items():
        (tmp_path / name).write_bytes(body)
    for name, body in heavy.items():
        (tmp_path / f"{name}.image").write_bytes(body)
    environment = os.environ | cloud.environment | {"PYTHONPATH": str(ROOT / "layers" / "sightline")}
    done = subprocess.run(
        [sys.executable, "-c", HEAVY, str(tmp_path)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    statuses = dict(line.split() for line in done.stderr.splitlines() if line.split()[0] in heavy)
    assert statuses == dict.fromkeys(heavy, "200") | {"bomb": "400"}
    assert int(done.stdout.splitlines()[-1]) / 1024 < MEMORY_MB - 100


def test_the_command_asks_the_function_itself(service: Service, tmp_path: Path) -> None:
    def invoke(*, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        answer = service.app.handler(json.loads(Payload), service.cloud.context)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())} if FunctionName == "arn:live" else {}

    target = Target({"PredictName": "arn:live"}, None)
    target.aws = GivenAws(**{"lambda": SimpleNamespace(invoke=invoke)})
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg(1, side=128))
    status, answer = service.ask(photo.read_bytes())
    said = predict(target, photo)
    assert status == 200
    assert {**said, "latency_ms": 0} == {**answer, "latency_ms": 0}
    photo.write_text("no photo")
    with pytest.raises(PredictError, match=r"photo\.jpg: the image can't be read"):
        predict(target, photo)
    photo.write_bytes(bytes(MAX_BYTES + 1))
    with pytest.raises(
        PredictError, match=r"has 4\.5 MB, and predict takes 4\.5; upload it, and use `sightline score`"
    ):
        predict(target, photo)
