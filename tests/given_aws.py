"""An AWS account of which a test gives single services itself."""

from typing import Any

import boto3

from sightline.aws.clients import Aws


class GivenAws(Aws):
    """`given` holds what stands for a service, by boto3's name of it; every other client is made as always."""

    def __init__(self, session: boto3.Session | None = None, endpoint: str | None = None, **given: Any) -> None:
        super().__init__(session, endpoint)
        self.given = given

    def client(self, service: str) -> Any:
        return self.given.get(service) or super().client(service)
