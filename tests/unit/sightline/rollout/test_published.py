"""Published components: each content gets the next version, once, also when two publish at the same time."""

from types import SimpleNamespace
from typing import Any

import pytest

from edge.inspector.settings import defaults
from sightline.rollout.published import ATTEMPTS, ComponentConflictError, PublishedComponents
from sightline.rollout.recipes import Recipe, inspector_recipe
from tests.fake_account import account
from tests.fake_greengrass import GROUP_ARN, FakeGreengrass
from tests.named import OWN

__all__ = ["account"]


def recipe(content: str, **settings: object) -> Recipe:
    return inspector_recipe(OWN, "", f"s3://artifacts/{content}/inspector.zip", defaults() | settings)


@pytest.fixture
def cloud(account: SimpleNamespace) -> FakeGreengrass:
    account.fleet.inspectors = []
    fleet: FakeGreengrass = account.fleet
    return fleet


@pytest.fixture
def published(account: SimpleNamespace, cloud: FakeGreengrass) -> PublishedComponents:
    return PublishedComponents(account.aws, GROUP_ARN)


def test_the_same_content_keeps_its_version_and_another_gets_the_next(published: PublishedComponents) -> None:
    contents = [recipe("a"), recipe("a"), recipe("b"), recipe("b", imagesBucket="line"), recipe("a")]
    versions = [published.publish_next(content) for content in contents]
    assert versions == ["1.0.1", "1.0.1", "1.0.2", "1.0.3", "1.0.4"]  # the old content again is what is newest


def test_what_others_published_comes_before(published: PublishedComponents, cloud: FakeGreengrass) -> None:
    cloud.inspectors = ["1.0.9", "1.0.999999", "1.0.10"]
    assert published.publish_next(recipe("a")) == "1.1.0"


def test_a_version_that_greengrass_refused_is_published_anew(
    published: PublishedComponents, cloud: FakeGreengrass
) -> None:
    published.publish_next(recipe("a"))
    cloud.state = "FAILED"
    assert published.publish_next(recipe("a")) == "1.0.2"


@pytest.mark.parametrize(("others", "mine", "versions"), [("a", "1.0.1", 1), ("b", "1.0.2", 2)])
def test_two_who_publish_at_once_get_one_version_for_one_content(
    published: PublishedComponents, cloud: FakeGreengrass, others: str, mine: str, versions: int
) -> None:
    """Both have read that nothing is published; the other one creates its version first."""

    def meanwhile(_recipe: Any) -> None:
        cloud.on_create = None
        assert published.publish_next(recipe(others)) == "1.0.1"

    cloud.on_create = meanwhile
    assert published.publish_next(recipe("a")) == mine
    assert len(cloud.recipes) == versions


def test_one_who_always_comes_second_is_told_so(published: PublishedComponents, cloud: FakeGreengrass) -> None:
    def always(wanted: Any) -> None:
        arn = f"{published.prefix}:{wanted['ComponentName']}:versions:{wanted['ComponentVersion']}"
        cloud.recipes[arn] = {"ComponentDescription": "of somebody else"}

    cloud.on_create = always
    with pytest.raises(ComponentConflictError, match="others published 20 versions meanwhile; publish again"):
        published.publish_next(recipe("a"))
    assert len(cloud.recipes) == ATTEMPTS
