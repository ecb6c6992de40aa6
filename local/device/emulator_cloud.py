"""How a simulated device reaches Greengrass and S3 of the emulator, with the rights that its certificate gives it."""

import json
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import credentials
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.account import ACCOUNT, REGION, Credentials
from local.device.identity import Identity
from local.device.recipe import Recipe
from local.device.token_exchange import Keys, TokenExchange
from local.emulator.greengrass.messages import DeploymentJob, DeviceReport, ReportAnswer, Role, RoleRequest

CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, max_pool_connections=4)


class EmulatorCloud:
    """Greengrass and S3 of the emulator. What Greengrass itself does has no role; artifacts come with the device's."""

    def __init__(self, endpoint: str, root: Credentials, identity: Identity) -> None:
        self._endpoint = endpoint
        self._signer = credentials.Credentials(root["aws_access_key_id"], root["aws_secret_access_key"])
        self._identity = identity
        self.tokens = TokenExchange(self._keys)
        self._greengrass = boto3.client("greengrassv2", endpoint_url=endpoint, config=CONFIG, **root)
        self._sts = boto3.client("sts", endpoint_url=endpoint, config=CONFIG, **root)
        self._known: dict[tuple[str, str], Recipe] = {}  # a version never changes

    def exchange(self, thing: str, report: DeviceReport) -> DeploymentJob | None:
        answer: ReportAnswer = self._post(f"{self._endpoint}/greengrass/simulated/{thing}", report)
        return answer["deployment"]

    def versions(self, name: str) -> list[str]:
        arn = f"arn:aws:greengrass:{REGION}:{ACCOUNT}:components:{name}"
        pages = self._greengrass.get_paginator("list_component_versions").paginate(arn=arn)
        try:
            return [entry["componentVersion"] for page in pages for entry in page["componentVersions"]]
        except self._greengrass.exceptions.ResourceNotFoundException:
            return []

    def recipe(self, name: str, version: str) -> Recipe:
        if (name, version) not in self._known:
            arn = f"arn:aws:greengrass:{REGION}:{ACCOUNT}:components:{name}:versions:{version}"
            try:
                self._known[name, version] = json.loads(self._greengrass.get_component(arn=arn)["recipe"])
            except self._greengrass.exceptions.ResourceNotFoundException as error:
                raise LookupError(str(error)) from error
        return self._known[name, version]

    def _keys(self) -> Keys:
        """Keys of the token exchange role, as AWS IoT's credentials provider gives them to the device's certificate."""
        asked: RoleRequest = {"roleAlias": self._identity.role_alias, "certificateId": self._identity.certificate_id}
        url = f"{self._endpoint}/greengrass/simulated/{self._identity.thing}/role"
        role: Role = self._post(url, asked)
        given = self._sts.assume_role(
            RoleArn=role["roleArn"],
            RoleSessionName=self._identity.thing,
            DurationSeconds=role["credentialDurationSeconds"],
        )["Credentials"]
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"])

    def artifact(self, uri: str) -> bytes:
        """Read an artifact as the nucleus does: it asks where the bucket is before each download."""
        parts, keys = urlsplit(uri), self.tokens.keys()
        s3 = boto3.client(
            "s3",
            endpoint_url=self._endpoint,
            config=CONFIG,
            region_name=REGION,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.token,
        )
        try:
            s3.get_bucket_location(Bucket=parts.netloc)
            return bytes(s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read())
        except ClientError as error:
            raise LookupError(str(error)) from error

    def _post(self, url: str, message: DeviceReport | RoleRequest) -> Any:
        """Return the answer to a signed request to the emulator's own address for simulated devices."""
        body = json.dumps(message).encode()
        request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
        SigV4Auth(self._signer, "greengrass", REGION).add_auth(request)
        sent = urllib.request.Request(url, body, dict(request.headers.items()), method="POST")  # noqa: S310
        with urllib.request.urlopen(sent, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())
