"""The release that the cloud scores with: the one of the champion, under the version that devices know it by."""

from dataclasses import dataclass

from sightline import names
from sightline.models.registry import Registry


@dataclass(frozen=True)
class Release:
    """`uri` is the folder in S3 with model.onnx and model.json."""

    version: str
    uri: str


def in_service(registry: Registry) -> Release | None:
    """The release of the latest approved model, or None."""
    package = registry.champion()
    if package is None:
        return None
    uri = package["CustomerMetadataProperties"]["release_uri"]
    return Release(names.component_version(package["ModelPackageVersion"]), uri)
