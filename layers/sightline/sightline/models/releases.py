"""The release that the cloud scores with: the one of the champion, under the version that devices know it by."""

from dataclasses import dataclass

from sightline.errors import SightlineError
from sightline.models.registry import Registry


class NoReleaseError(SightlineError):
    """The model in service was registered without the files to score with."""


@dataclass(frozen=True, slots=True)
class Release:
    """`uri` is the folder in S3 with model.onnx and model.json."""

    version: str
    uri: str


def in_service(registry: Registry) -> Release | None:
    """Return the release of the latest approved model, None where none is approved. Raise NoReleaseError."""
    champion = registry.champion()
    if champion is None:
        return None
    if champion.release_uri is None:
        raise NoReleaseError(f"model {champion.version} is approved but was registered without release_uri; reject it")
    return Release(champion.component_version, champion.release_uri)
