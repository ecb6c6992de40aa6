"""URIs of objects, whose names people chose."""

import pytest

from local.emulator.sagemaker.objects import bucket_and_key


@pytest.mark.parametrize("name", ["a.jpg", "part #7?.jpg", "line 1/a.jpg"])
def test_a_name_is_kept_as_it_is(name: str) -> None:
    assert bucket_and_key(f"s3://bucket/incoming/{name}") == ("bucket", f"incoming/{name}")
