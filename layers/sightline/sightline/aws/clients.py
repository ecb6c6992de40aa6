"""The clients of one AWS account, each made when it is first used: the one place that makes any."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codebuild import CodeBuildClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_greengrassv2 import GreengrassV2Client
    from mypy_boto3_iot import IoTClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_featurestore_runtime import SageMakerFeatureStoreRuntimeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

CONNECTIONS = 32  # threads of one process that ask at the same time
CONFIG = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=CONNECTIONS)
# Signature 4 by name: URLs that are signed otherwise can't read objects encrypted with a KMS key. The host has the
# region: S3's global host answers 307 for a new bucket, and 400 for ever in regions launched after March 2019.
REGIONAL: Any = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
CONFIGS = {  # of services that need more than the others
    "s3": CONFIG.merge(Config(signature_version="s3v4", s3=REGIONAL)),
    "dynamodb": CONFIG.merge(Config(retries={"mode": "standard", "max_attempts": 8})),
}

_making = Lock()  # sessions of boto3 are not made for threads, clients are


class Aws:
    """An account and region, with the rights of whoever calls.

    `session` holds credentials and region; None takes those of the environment, as in Lambda. `endpoint` is the address
    of an emulator, None for AWS itself.
    """

    def __init__(self, session: boto3.Session | None = None, endpoint: str | None = None) -> None:
        self.session = session
        self.endpoint = endpoint
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the client of a service by boto3's name of it. The properties below are the same with types."""
        with _making:
            if service not in self._clients:
                make = self.session.client if self.session else boto3.client
                config = CONFIGS.get(service, CONFIG)
                self._clients[service] = make(service, endpoint_url=self.endpoint, config=config)  # type: ignore[call-overload]
            return self._clients[service]

    @property
    def cloudformation(self) -> CloudFormationClient:
        client: CloudFormationClient = self.client("cloudformation")
        return client

    @property
    def codebuild(self) -> CodeBuildClient:
        client: CodeBuildClient = self.client("codebuild")
        return client

    @property
    def cognito(self) -> CognitoIdentityProviderClient:
        client: CognitoIdentityProviderClient = self.client("cognito-idp")
        return client

    @property
    def dynamodb(self) -> DynamoDBClient:
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @property
    def ecr(self) -> ECRClient:
        client: ECRClient = self.client("ecr")
        return client

    @property
    def feature_store(self) -> SageMakerFeatureStoreRuntimeClient:
        client: SageMakerFeatureStoreRuntimeClient = self.client("sagemaker-featurestore-runtime")
        return client

    @property
    def greengrass(self) -> GreengrassV2Client:
        client: GreengrassV2Client = self.client("greengrassv2")
        return client

    @property
    def iot(self) -> IoTClient:
        client: IoTClient = self.client("iot")
        return client

    @property
    def lambda_(self) -> LambdaClient:
        client: LambdaClient = self.client("lambda")
        return client

    @property
    def logs(self) -> CloudWatchLogsClient:
        client: CloudWatchLogsClient = self.client("logs")
        return client

    @property
    def s3(self) -> S3Client:
        client: S3Client = self.client("s3")
        return client

    @property
    def sagemaker(self) -> SageMakerClient:
        client: SageMakerClient = self.client("sagemaker")
        return client

    @property
    def sns(self) -> SNSClient:
        client: SNSClient = self.client("sns")
        return client

    @property
    def sqs(self) -> SQSClient:
        client: SQSClient = self.client("sqs")
        return client

    @property
    def step_functions(self) -> SFNClient:
        client: SFNClient = self.client("stepfunctions")
        return client

    @property
    def sts(self) -> STSClient:
        client: STSClient = self.client("sts")
        return client
