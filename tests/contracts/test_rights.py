"""The tests of a function run with its role's rights."""

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sightline.aws.clients import Aws
from tests.given_aws import GivenAws
from tests.project import functions
from tests.rights import FunctionAws, actions


@pytest.fixture
def approve_model() -> Aws:
    return FunctionAws(GivenAws(), "approve_model")


@mock_aws
def test_what_the_role_does_not_allow_is_refused(approve_model: Aws) -> None:
    with pytest.raises(ClientError, match="approve_model is not authorized to perform sagemaker:DeleteModelPackage"):
        approve_model.sagemaker.delete_model_package(ModelPackageName="sightline-models")
    pages = approve_model.sagemaker.get_paginator("list_model_packages")
    assert [page["ModelPackageSummaryList"] for page in pages.paginate(ModelPackageGroupName="none")] == [[]]


@pytest.mark.parametrize("function", functions())
def test_each_role_has_rights_of_its_own_or_none_at_all(function: str) -> None:
    assert bool(actions(function)) == bool(functions()[function].get("Policies"))
