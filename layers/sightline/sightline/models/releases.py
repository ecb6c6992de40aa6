"""The release that the cloud scores with: the one of the champion, under the version that devices know it by."""

from dataclasses import dataclass

from sightline.models.registry import Registry


@dataclass(frozen=True, slots=True)
class Release:
    """`uri` is the folder in S3 with model.onnx and model.json."""

    version: str
    uri: str


def in_service(registry: Registry) -> Release | None:
    """Return the release of the latest approved model, None where there is none."""
    champion = registry.champion()
    if champion is None or champion.release_uri is None:
        return None
    return Release(champion.component_version, champion.release_uri)
