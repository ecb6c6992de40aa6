"""What a stack leaves behind when it is deleted: how much it is, what keeping it costs, and how it is erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from client import erasing
from client.costs.prices import GB, REGION, Prices
from client.doctor.deployed import Deployed, Resource
from client.removal.stopping import if_there
from client.target import Place
from sightline.aws.clients import Aws

KEY_DAYS = 7  # the fewest that KMS waits before it deletes a key


@dataclass(frozen=True, slots=True)
class Kept:
    """One resource that outlives its stack. `monthly` is in US dollars."""

    resource: Resource
    amount: str  # such as `1,200 versions of objects, 3.4 GB`
    monthly: float

    def __str__(self) -> str:
        return f"{self.resource.name:18} {self.resource.id}: {self.amount}, {self.monthly:.2f} US dollars a month"


def of_stack(stack: Deployed) -> list[Resource]:
    """Return what the stack keeps when it is deleted, in the order in which it can be erased: the key comes last."""
    return [resource for kind in KINDS for resource in stack.of_kind(kind)]


def of_deleted(place: Place, stack_id: str) -> list[Resource]:
    """Return what a deleted stack has kept, as its events tell for 90 days."""
    pages = place.aws.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    found = {
        event["LogicalResourceId"]: Resource(
            event["LogicalResourceId"], event["ResourceType"], event["PhysicalResourceId"], event["ResourceStatus"]
        )
        for page in pages
        for event in page["StackEvents"]
        if event.get("ResourceStatus") == "DELETE_SKIPPED"
    }
    return [one for kind in KINDS for one in found.values() if one.kind == kind]


def measured(place: Place, resources: list[Resource]) -> list[Kept]:
    """Return those of the resources that are still there, with their amount and price (of us-east-1)."""
    prices, found = Prices.of(REGION), []
    for resource in resources:
        with if_there():
            amount = KINDS[resource.kind].measure(place.aws, resource.id)
            if amount:
                monthly = sum((number * prices[key].usd for key, number in amount.priced.items()), 0.0)
                found.append(Kept(resource, amount.text, monthly))
    return found


def erase(place: Place, kept: list[Kept]) -> Iterator[str]:
    """Erase what was kept. Give a line for each."""
    for one in kept:
        with if_there():
            KINDS[one.resource.kind].erase(place.aws, one.resource.id)
        if one.resource.kind == "AWS::KMS::Key":
            yield f"{one.resource.id} goes in {KEY_DAYS} days; until then `aws kms cancel-key-deletion` keeps it"
        else:
            yield f"{one.resource.id} is erased"


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of something there is. `priced` has the units that are paid for each month, by keys of prices.json."""

    text: str
    priced: Mapping[str, float] = field(default_factory=dict)


def _bucket(aws: Aws, name: str) -> Amount:
    versions = size = 0
    for page in aws.s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for version in page.get("Versions", []):
            versions, size = versions + 1, size + version["Size"]
    return Amount(f"{versions:,} versions of objects, {_bytes(size)}", {"s3.gb_month": size / GB})


def _table(aws: Aws, name: str) -> Amount:
    table = aws.dynamodb.describe_table(TableName=name)["Table"]
    size = table["TableSizeBytes"]
    priced = dict.fromkeys(("dynamodb.gb_month", "dynamodb.backup_gb_month"), size / GB)  # with its backup
    return Amount(f"{table['ItemCount']:,} items, {_bytes(size)}", priced)


def _pool(aws: Aws, name: str) -> Amount:
    """Users who don't sign in cost nothing."""
    pool = aws.cognito.describe_user_pool(UserPoolId=name)["UserPool"]
    return Amount(f"{pool.get('EstimatedNumberOfUsers', 0)} users")


def _group(aws: Aws, name: str) -> Amount:
    aws.sagemaker.describe_model_package_group(ModelPackageGroupName=_name(name))
    return Amount(f"{len(_packages(aws, name))} model packages")


def _key(aws: Aws, name: str) -> Amount | None:
    described = aws.client("kms").describe_key(KeyId=name)["KeyMetadata"]
    if described["KeyState"] == "PendingDeletion":
        return None
    return Amount("the key of all this", {"kms.key": 1})


def _bytes(size: int) -> str:
    return f"{size / GB:.1f} GB" if size >= GB / 10 else f"{size / 10**6:.1f} MB"


def _name(group: str) -> str:
    return group.rsplit("/", 1)[-1]


def _packages(aws: Aws, group: str) -> list[str]:
    pages = aws.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=_name(group))
    return [one["ModelPackageArn"] for page in pages for one in page["ModelPackageSummaryList"]]


def _erase_bucket(aws: Aws, name: str) -> None:
    erasing.erase_prefix(aws, name)
    aws.s3.delete_bucket(Bucket=name)


def _erase_table(aws: Aws, name: str) -> None:
    aws.dynamodb.delete_table(TableName=name)
    aws.dynamodb.get_waiter("table_not_exists").wait(TableName=name)


def _erase_pool(aws: Aws, name: str) -> None:
    aws.cognito.delete_user_pool(UserPoolId=name)


def _erase_group(aws: Aws, name: str) -> None:
    for package in _packages(aws, name):
        aws.sagemaker.delete_model_package(ModelPackageName=package)
    aws.sagemaker.delete_model_package_group(ModelPackageGroupName=_name(name))


def _erase_key(aws: Aws, name: str) -> None:
    aws.client("kms").schedule_key_deletion(KeyId=name, PendingWindowInDays=KEY_DAYS)


@dataclass(frozen=True, slots=True)
class Kind:
    """How one type of CloudFormation's is measured and erased. `measure` gives None for what is as good as erased."""

    measure: Callable[[Aws, str], Amount | None]
    erase: Callable[[Aws, str], None]


# What can be kept, in the order in which it is erased.
KINDS = {
    "AWS::SageMaker::ModelPackageGroup": Kind(_group, _erase_group),
    "AWS::Cognito::UserPool": Kind(_pool, _erase_pool),
    "AWS::DynamoDB::Table": Kind(_table, _erase_table),
    "AWS::S3::Bucket": Kind(_bucket, _erase_bucket),
    "AWS::KMS::Key": Kind(_key, _erase_key),
}
