"""The clients of an account: each made once, whoever asks first."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from sightline.aws.clients import Aws

SERVICES = {
    "cloudformation": "cloudformation",
    "codebuild": "codebuild",
    "cognito": "cognito-idp",
    "dynamodb": "dynamodb",
    "ecr": "ecr",
    "feature_store": "sagemaker-featurestore-runtime",
    "greengrass": "greengrassv2",
    "iot": "iot",
    "lambda_": "lambda",
    "logs": "logs",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "sns": "sns",
    "sqs": "sqs",
    "step_functions": "stepfunctions",
    "sts": "sts",
}


def test_every_service_has_a_name_here() -> None:
    assert {name for name, entry in vars(Aws).items() if isinstance(entry, property)} == set(SERVICES)


@pytest.mark.parametrize(("name", "service"), SERVICES.items())
def test_a_client_is_made_once_for_its_service(name: str, service: str) -> None:
    aws = Aws()
    client = getattr(aws, name)
    assert client is getattr(aws, name) is aws.client(service)
    assert client.meta.method_to_api_mapping == boto3.client(service).meta.method_to_api_mapping  # type: ignore[call-overload]


def test_an_account_has_the_region_of_its_session_and_the_address_of_its_emulator() -> None:
    aws = Aws(boto3.Session(region_name="eu-central-1"), "http://localhost:4566")
    assert (aws.s3.meta.region_name, aws.s3.meta.endpoint_url) == ("eu-central-1", "http://localhost:4566")


def test_threads_that_ask_at_the_same_time_get_the_same_client() -> None:
    aws = Aws()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: id(aws.sns), range(32)))) == 1


def test_an_address_of_an_object_is_signed_so_that_encrypted_objects_can_be_read() -> None:
    url = Aws().s3.generate_presigned_url("get_object", Params={"Bucket": "images", "Key": "a"})
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url


def test_a_client_asked_for_by_its_service_first_signs_urls_as_s3_with_kms_wants_it() -> None:
    aws = Aws(boto3.Session("id", "secret", region_name="us-east-1"))
    aws.client("s3")
    url = aws.s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "a.jpg"})
    assert "X-Amz-Signature=" in url
