"""What clients send to AWS in each region: hosts that answer there."""

from urllib.parse import urlsplit

import boto3
import pytest

from sightline.aws.clients import Aws
from sightline.images.uploads import Uploads


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "eu-central-2", "af-south-1"])
def test_a_presigned_url_has_the_host_of_the_buckets_region(region: str) -> None:
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name=region)
    url = urlsplit(Uploads(Aws(session)).presigned_url("images-1", "incoming/a.jpg", None, 60))
    assert (url.hostname, url.path) == (f"images-1.s3.{region}.amazonaws.com", "/incoming/a.jpg")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url.query
