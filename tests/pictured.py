"""Images of the ledger with the fields that a test needs."""

from sightline.images.box import Box
from sightline.images.image import Image, ImageStatus, Split

BOX: Box = {"class_id": 0, "left": 1, "top": 1, "width": 9, "height": 9}


def approved(
    name: str, *, boxes: int = 1, phash: str = "", split: Split | None = None, group_id: str | None = None
) -> Image:
    """An approved image with `boxes` equal boxes; with group and split, once they are frozen."""
    return Image(
        image_id=name,
        status=ImageStatus.APPROVED,
        bucket="images",
        key=f"incoming/{name}.jpg",
        bytes=1000,
        captured_at="2026-11-20T08:00:00+00:00",
        source="upload",
        width=64,
        height=48,
        format="jpeg",
        phash=phash,
        annotations=(BOX,) * boxes,
        label_ref="s3://artifacts/labeling/job-1/output.manifest",
        group_id=group_id,
        split=split,
    )
