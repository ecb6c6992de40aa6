"""One picture for everybody: each way into the product sees the same pixels of a file, the same way round.

Every format, depth and orientation goes through every path, by the code that ships: handlers, training data, the
device's station. The picture is known, not decoded. A model with an input of its size shows what a path gives to it.
"""

import base64
import functools
import hashlib
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.inspector.station import look as device_look
from sightline.models.registry import Registry
from sightline.vision import release
from sightline.vision.decode import Pixels, decode
from sightline.vision.detector import Detection, Detector
from sightline.vision.letterbox import Letterbox
from tests.fake_cloud import Cloud
from tests.images import ledger
from tests.picture_files import COLOURS, GREY, Numbers, encoded, exif, png16, png_chunk, stored, tiff, with_chunk, xmp
from tests.registered import registered
from training.data import Split

Write = Callable[[Numbers, int], bytes]  # of a picture as it is stored, 8 bits, and its orientation
LIST = "labeling/window-1795220517014/round-1/images.jsonl"
DEPTHS = (10, 12, 14, 16)
LOSSLESS = {"lossless": True, "exact": True}


def deep_png(bits: int, *, alpha: bool) -> Write:
    def write(pixels: Numbers, way: int) -> bytes:
        return png16(_deep(pixels, bits, alpha=alpha), png_chunk(b"eXIf", exif(way)[6:]))

    return write


def deep_tiff(bits: int, *, alpha: bool = False, **layout: Any) -> Write:
    def write(pixels: Numbers, way: int) -> bytes:
        tags = {274: way, **({338: 2} if alpha else {}), **layout.get("tags", {})}
        return tiff(_deep(pixels, bits, alpha=alpha), **{**layout, "tags": tags})

    return write


def _deep(pixels: Numbers, bits: int, *, alpha: bool = False) -> Numbers:
    numbers = (pixels.astype(np.uint16) << (bits - 8)) if bits > 8 else pixels
    if not alpha:
        return numbers
    opaque = np.full((*pixels.shape[:2], 1), 255 << (bits - 8), numbers.dtype)
    return np.concatenate([numbers.reshape(*pixels.shape[:2], -1), opaque], axis=2)


WRITERS: dict[str, Write] = {
    "PNG": lambda pixels, way: with_chunk(encoded(pixels), b"eXIf", exif(way)[6:]),
    "PNG with XMP": lambda pixels, way: with_chunk(encoded(pixels), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(way)),
    "PNG with alpha": lambda pixels, way: with_chunk(
        encoded(_deep(pixels, 8, alpha=True)), b"eXIf", exif(way)[6:], last=True
    ),
    "WebP": lambda pixels, way: encoded(Image.fromarray(pixels).convert("RGB"), "WEBP", exif=exif(way), **LOSSLESS),
    "WebP with XMP": lambda pixels, way: encoded(
        Image.fromarray(pixels).convert("RGB"), "WEBP", xmp=xmp(way), **LOSSLESS
    ),
    "TIFF": deep_tiff(8),
    "TIFF with alpha": deep_tiff(8, alpha=True),
    "TIFF by Pillow": lambda pixels, way: encoded(pixels, "TIFF", compression="tiff_lzw", tiffinfo={274: way}),
    **{f"PNG of {bits} bits": deep_png(bits, alpha=False) for bits in DEPTHS},
    **{f"PNG with alpha of {bits} bits": deep_png(bits, alpha=True) for bits in DEPTHS},
    **{f"TIFF of {bits} bits": deep_tiff(bits) for bits in DEPTHS},
    **{f"TIFF with alpha of {bits} bits": deep_tiff(bits, alpha=True) for bits in DEPTHS},
    **{f"packed TIFF of {bits} bits": deep_tiff(bits, packed=bits) for bits in (10, 12, 14)},
    "big-endian TIFF of 16 bits, compressed": deep_tiff(16, order=">", compression=8, predictor=True),
    "planar TIFF of 12 bits": deep_tiff(12, planar=True),
    "tiled TIFF of 16 bits": deep_tiff(16, tile=16),
    "JPEG": lambda pixels, way: encoded(pixels, "JPEG", subsampling=0, exif=exif(way)),
    "JPEG with XMP": lambda pixels, way: encoded(pixels, "JPEG", subsampling=0, xmp=xmp(way)),
    "progressive JPEG": lambda pixels, way: encoded(pixels, "JPEG", progressive=True, subsampling=0, exif=exif(way)),
}


@functools.cache
def files() -> dict[str, tuple[bytes, Pixels]]:
    """Return each file with its picture: RGB, upright."""
    found = {}
    for (kind, write), (colour, picture), way in itertools.product(
        WRITERS.items(), {"grey": GREY, "colour": COLOURS}.items(), range(1, 9)
    ):
        body = write(stored(picture, way), way)
        expected = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        if "JPEG" in kind:  # of which only the decoder knows the pixels; the picture it may not lose
            assert np.abs(decode(body).astype(int) - expected).mean() < 12
            expected = decode(body)
        found[f"{kind}, {colour}, orientation {way}"] = (body, expected)
    return found


class Watching(Detector):
    """A model with an input of the picture's size, which finds nothing and keeps what it is given."""

    def __init__(self) -> None:
        self.height, self.width = GREY.shape
        self.threshold, self.review_threshold, self.classes = 0.5, 0.2, ["defect"]
        self.seen: list[Pixels] = []

    def run(self, fitted: Letterbox, floor: float | None = None) -> list[Detection]:
        assert (fitted.scale, fitted.size) == (1.0, GREY.shape)
        self.seen.append(fitted.pixels)
        return []


def differing(seen: Iterator[Pixels], some: dict[str, tuple[bytes, Pixels]] | None = None) -> list[str]:
    """Return the names of the files of which a path saw something else than their picture."""
    shown = zip((some or files()).items(), seen, strict=True)
    return [name for (name, (_, expected)), pixels in shown if not np.array_equal(pixels, expected)]


def bodies() -> list[bytes]:
    return [body for body, _ in files().values()]


def test_the_decoder_sees_the_picture() -> None:
    assert len(files()) > 400
    assert differing(decode(body) for body in bodies()) == []


def test_a_device_sees_the_picture() -> None:
    assert differing(device_look(Watching(), body)[0] for body in bodies()) == []


def test_an_evaluation_and_the_endpoint_see_the_picture() -> None:
    detector = Watching()
    for body in bodies():
        detector.inspect(body)
        detector.judge(body)
    assert differing(iter(detector.seen[::2])) == []
    assert differing(iter(detector.seen[1::2])) == []


def test_a_training_sees_the_picture(tmp_path: Path) -> None:
    lines = []
    for number, body in enumerate(bodies()):
        (tmp_path / f"{number}.image").write_bytes(body)
        label = {"image_size": [{"width": 60, "height": 40}], "annotations": []}
        lines.append({"source-ref": f"s3://artifacts/{number}.image", "defects": label, "group-id": str(number)})
    manifest = tmp_path / "train.manifest"
    manifest.write_text("\n".join(json.dumps(line) for line in lines))
    read = Split(manifest, tmp_path, 1)
    assert differing(labelled.pixels for labelled in read) == []
    assert read.problems == []


def test_predict_sees_the_picture(cloud: Cloud, load_app: Callable[..., Any]) -> None:
    app, detector = load_app("predict", **cloud.environment), Watching()
    app.model.model = SimpleNamespace(version="1.0.1"), detector
    app.model._asked = float("inf")
    for body in bodies():
        event = cloud.event("predict") | {"body": base64.b64encode(body).decode()}
        assert app.handler(event, cloud.context)["statusCode"] == 200
    assert differing(iter(detector.seen)) == []


def test_a_batch_sees_the_picture(cloud: Cloud, load_app: Callable[..., Any]) -> None:
    app, detector = load_app("score_shard", **cloud.environment), Watching()
    assert {type(app.score(detector, body)) for body in bodies()} == {dict}
    assert differing(iter(detector.seen)) == []


def test_proposals_see_the_picture(step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Watching()
    champion = registered(1, release_uri="s3://artifacts/models/job-1/release/")
    monkeypatch.setattr(Registry, "champion", lambda *_: champion)
    monkeypatch.setattr(release, "load", lambda *_, **__: detector)
    cloud.environment["MODEL_PACKAGE_GROUP"] = "models"
    cloud.context.get_remaining_time_in_millis = lambda: 900_000
    some, lines = dict(itertools.islice(files().items(), 0, None, 5)), []
    for number, (body, _) in enumerate(some.values()):
        key = f"incoming/{number}"
        cloud.s3.put_object(Bucket="images", Key=key, Body=body)
        lines.append({"image_id": str(number), "bucket": "images", "key": key, "width": 60, "height": 40})
    assert step("propose_labels", {"images_uri": cloud.write_lines(LIST, lines)})["proposed"] == len(lines)
    assert differing(iter(detector.seen), some) == []


def test_an_upload_sees_the_picture_and_the_page_shows_it(
    step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: True)
    seen: list[Pixels] = []
    step("register_images", {"Records": []})  # loads the function
    monkeypatch.setattr(
        step.apps["register_images"], "phash_of", lambda image: seen.append(np.asarray(image.convert("RGB"))) or ""
    )
    some = dict(itertools.islice(files().items(), 0, None, 11))  # all formats and all orientations, in turns
    records = [cloud.upload(f"{number}", body) for number, (body, _) in enumerate(some.values())]
    assert step("register_images", {"Records": records})["batchItemFailures"] == []
    wrong = []
    for (name, (body, expected)), pixels in zip(some.items(), seen, strict=True):
        image = ledger().image(hashlib.sha256(body).hexdigest())
        assert image is not None
        if (image.width, image.height) != (60, 40) or not np.array_equal(pixels, expected):
            wrong.append(f"{name}: entered as {image.width}×{image.height}")
        if image.rendition:
            shown = Image.open(io.BytesIO(cloud.read(image.rendition, "images"))).convert("RGB")
            if shown.size != (60, 40) or np.abs(np.asarray(shown).astype(int) - expected).mean() > 2:
                wrong.append(f"{name}: shown otherwise")
        elif "orientation 1" not in name and not re.match(r"(JPEG|progressive JPEG),", name):
            wrong.append(f"{name}: shown as it is")
    assert wrong == []
