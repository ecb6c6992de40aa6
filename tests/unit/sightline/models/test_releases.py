"""The release that the cloud scores with."""

import pytest

from sightline.models.registry import RegisteredModel, Registry
from sightline.models.releases import NoReleaseError, Release, in_service
from sightline.models.states import States
from tests.given_aws import GivenAws
from tests.registered import registered


class Known(Registry):
    """A registry whose champion is given."""

    def __init__(self, champion: RegisteredModel | None) -> None:
        super().__init__(GivenAws(), "models")
        self._champion = champion

    def champion(self, states: States) -> RegisteredModel | None:
        return self._champion


def test_the_release_in_service_is_the_champions_under_the_version_of_devices() -> None:
    champion = registered(7)
    assert in_service(Known(champion), {}) == Release(
        champion.component_version, "s3://artifacts/models/train-7/release/"
    )


def test_nothing_is_in_service_before_a_model_is_approved() -> None:
    assert in_service(Known(None), {}) is None


def test_a_champion_without_a_release_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(NoReleaseError) as raised:
        in_service(Known(registered(7, release_uri=None)), {})
    assert str(raised.value) == "model 7 was registered without release_uri; approve another one"
