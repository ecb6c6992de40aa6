"""The Greengrass components that a stack has published, which CloudFormation knows nothing of."""

from collections.abc import Iterator

from client.removal.stopping import if_there
from client.target import Place
from sightline import names
from sightline.rollout.published import PublishedComponents


def delete(place: Place, stack_id: str) -> Iterator[str]:
    """Delete every version of the components of a stack, which may be deleted. Give a line for each component."""
    greengrass = place.aws.greengrass
    prefix = PublishedComponents(place.aws, stack_id).prefix
    own = names.OwnComponents(place.stack)
    for name in (own.inspector, own.model):
        deleted = 0
        with if_there():
            pages = greengrass.get_paginator("list_component_versions").paginate(arn=f"{prefix}:{name}")
            for version in [one for page in pages for one in page["componentVersions"]]:
                greengrass.delete_component(arn=version["arn"])
                deleted += 1
        if deleted:
            yield f"versions of {name} deleted: {deleted}"
