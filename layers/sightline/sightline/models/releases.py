"""The release that the cloud scores with: the one of the champion, under the version that devices know it by."""

from dataclasses import dataclass

from sightline.errors import SightlineError
from sightline.models.registry import Registry
from sightline.models.states import States


class NoReleaseError(SightlineError):
    """The model in service was registered without the files to score with."""


@dataclass(frozen=True, slots=True)
class Release:
    """`uri` is the folder in S3 with model.onnx and model.json."""

    version: str
    uri: str


def in_service(registry: Registry, states: States) -> Release | None:
    """Return the release of the model in service, None where there is none. Raise NoReleaseError."""
    champion = registry.champion(states)
    if champion is None:
        return None
    if champion.release_uri is None:
        raise NoReleaseError(f"model {champion.version} was registered without release_uri; approve another one")
    return Release(champion.component_version, champion.release_uri)
