"""Approved labels as records of a SageMaker feature group."""

from datetime import UTC, datetime

from sightline.aws.clients import Aws
from sightline.labelling.lines import LabelRecord


class FeatureGroup:
    """One SageMaker feature group, by its name; an empty name stands for none, and nothing is written."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.aws = aws
        self.name = name

    def put_label(self, job_id: str, label: LabelRecord, image_uri: str) -> None:
        """Write the label of one image; a later record of the same image replaces it in the online store."""
        if not self.name:
            return
        features = {
            "image_id": label["image_id"],
            "event_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "image_uri": image_uri,
            "source_key": label["key"],
            "job_id": job_id,
            "boxes": str(len(label["annotations"])),
            "width": str(label["width"]),
            "height": str(label["height"]),
        }
        self.aws.feature_store.put_record(
            FeatureGroupName=self.name,
            Record=[{"FeatureName": name, "ValueAsString": value} for name, value in features.items()],
        )
