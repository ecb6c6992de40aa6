"""What the page gets of uploads that a browser can't show: made when they are registered, shown in every task."""

import hashlib
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.images.image import ImageStatus
from sightline.vision.decode import decode
from tests.fake_cloud import Cloud, jpeg, request
from tests.images import ledger
from tests.picture_files import GREY, encoded, tiff

TURNED = tiff(GREY.astype(np.uint16) << 4, tags={274: 6})
PNG = encoded(GREY)
JOB = "window-1795220517014"


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: True)


def register(step: Any, *records: dict[str, Any]) -> None:
    assert step("register_images", {"Records": list(records)})["batchItemFailures"] == []


def rendition_of(body: bytes) -> str:
    return f"renditions/{hashlib.sha256(body).hexdigest()}.jpg"


def test_an_upload_that_browsers_do_not_show_gets_a_rendition_upright_in_the_size_of_the_ledger(
    step: Any, cloud: Cloud
) -> None:
    register(step, cloud.upload("a.tif", TURNED), cloud.upload("b.png", PNG))
    entered = {image.key: image for image in ledger().with_status(ImageStatus.NEW)}
    one, other = entered["incoming/a.tif"], entered["incoming/b.png"]
    assert (one.rendition, one.width, one.height, one.format) == (rendition_of(TURNED), 40, 60, "tiff")
    assert (other.rendition, other.width, other.height, other.format) == (None, 60, 40, "png")
    shown = Image.open(io.BytesIO(cloud.read(rendition_of(TURNED), "images")))
    assert shown.format == "JPEG"
    assert np.abs(np.asarray(shown).astype(int) - decode(TURNED)[..., 0]).mean() < 2
    assert cloud.s3.head_object(Bucket="images", Key=rendition_of(TURNED))["ContentType"] == "image/jpeg"


def test_the_page_is_sent_to_the_rendition_and_to_other_images_themselves(step: Any, cloud: Cloud) -> None:
    register(step, cloud.upload("a.tif", TURNED), cloud.upload("b.png", PNG))
    claim = step("claim_new_images")
    step("open_labeling_job", images_uri=claim["images_uri"])
    answer = step("serve_labeling", request("POST", f"/jobs/{JOB}.labeling.1/next", {"count": 2}, "anna"))
    tasks = {task["name"]: task for task in json.loads(answer["body"])["tasks"]}
    assert f"/{rendition_of(TURNED)}?" in tasks["incoming/a.tif"]["image_url"]
    assert "/incoming/b.png?" in tasks["incoming/b.png"]["image_url"]
    assert (tasks["incoming/a.tif"]["width"], tasks["incoming/a.tif"]["height"]) == (40, 60)


def test_the_rendition_goes_when_nothing_has_the_bytes_any_more_and_comes_back_with_them(
    step: Any, cloud: Cloud
) -> None:
    register(step, cloud.upload("a.tif", TURNED, "1"), cloud.upload("copy.tif", TURNED, "1"))
    register(step, cloud.upload("a.tif", b"", "2", "Object Deleted"))
    assert rendition_of(TURNED) in cloud.objects("images")
    register(step, cloud.upload("copy.tif", jpeg(1), "2"))  # written over
    assert rendition_of(TURNED) not in cloud.objects("images")
    register(step, cloud.upload("a.tif", TURNED, "3"))
    assert rendition_of(TURNED) in cloud.objects("images")


def test_an_image_that_was_entered_without_a_rendition_gets_one_when_it_is_uploaded_again(
    step: Any, cloud: Cloud
) -> None:
    record = cloud.upload("a.tif", TURNED)
    register(step, record)
    key = {"pk": f"image#{hashlib.sha256(TURNED).hexdigest()}"}
    ledger().table.update(key, "REMOVE #rendition", {})
    register(step, cloud.upload("again.tif", TURNED))
    image = ledger().image(hashlib.sha256(TURNED).hexdigest())
    assert image is not None
    assert image.rendition == rendition_of(TURNED)
