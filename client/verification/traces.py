"""What a run leaves in a stack, found by comparing what is there with what was there before, and removed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from client import devices, erasing, pipeline
from client.target import Target
from sightline import names
from sightline.errors import SightlineError
from sightline.images.image import Image, ImageStatus
from sightline.images.image import now as this_moment
from sightline.rollout.published import PublishedComponents

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

TABLES = ("ImagesTableName", "TasksTableName", "DeploymentsTableName")
LATE_FEATURES = "SageMaker notes their deletion in the offline store within 15 minutes"
QUIET_SECONDS, ROUNDS = 3.0, 5  # events of erased objects may still write rows

Row = tuple[tuple[str, str], ...]  # the key of an item, as pairs of attribute and value


class Traces:
    """What there was when this was made; `remove` takes away what has come since. `folder` is that of the uploads."""

    def __init__(self, target: Target, folder: str) -> None:
        self.target, self.aws = target, target.aws
        self.incoming = names.INCOMING + folder
        self.objects = self._objects()
        self.rows = {table: self._rows(table) for table in TABLES}
        self.packages = self._packages()
        self.users = self._users()
        self.components = self._components()
        self.failed: list[str] = []

    def remove(self) -> Iterator[str]:
        """Remove it. Give a line for each kind of thing. What fails is in `failed`, and stops nothing else."""
        ours, foreign = self._images()
        steps: list[tuple[str, Callable[[], int]]] = [
            ("executions stopped", self._stop),
            ("users", self._remove_users),
            ("model packages", self._remove_packages),
            ("component versions", self._remove_components),
            (f"feature records ({LATE_FEATURES})", lambda: self._remove_features(ours)),
            ("images", lambda: self._remove_images(ours)),
        ]
        if foreign:
            self.failed.append(
                f"{foreign} images of others came meanwhile: tables and artifacts keep what was written since"
            )
        else:
            steps += [("artifacts", self._remove_objects), ("rows of tables", self._remove_rows)]
        for what, step in steps:
            try:
                yield f"{what}: {step()}"
            except (BotoCoreError, ClientError, SightlineError) as error:
                self.failed.append(f"{what}: {' '.join(str(error).split())}")

    def _images(self) -> tuple[list[Image], int]:
        """Return the images of the run, and how many others have come since it began."""
        ledger = pipeline.ledger(self.target)
        known = {value for row in self.rows["ImagesTableName"] for _, value in row}
        new = [image for status in ImageStatus for image in ledger.with_status(status)
               if f"image#{image.image_id}" not in known]  # fmt: skip
        ours = [image for image in new if image.key.startswith(self.incoming)]
        return ours, len(new) - len(ours)

    def _stop(self) -> int:
        stopped = 0
        for machine in pipeline.MACHINES:
            for execution in pipeline.executions(self.target, machine):
                if execution["status"] == "RUNNING":
                    self.aws.step_functions.stop_execution(executionArn=execution["executionArn"])
                    stopped += 1
        return stopped

    def _users(self) -> set[str]:
        pages = self.aws.cognito.get_paginator("list_users").paginate(UserPoolId=self.target.outputs["UserPoolId"])
        return {user["Username"] for page in pages for user in page["Users"]}

    def _remove_users(self) -> int:
        new = self._users() - self.users
        for name in new:
            self.aws.cognito.admin_delete_user(UserPoolId=self.target.outputs["UserPoolId"], Username=name)
        return len(new)

    def _packages(self) -> set[str]:
        pages = self.aws.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=self.target.outputs["ModelPackageGroupName"]
        )
        return {one["ModelPackageArn"] for page in pages for one in page["ModelPackageSummaryList"]}

    def _remove_packages(self) -> int:
        new = self._packages() - self.packages
        for arn in new:
            self.aws.sagemaker.delete_model_package(ModelPackageName=arn)
        return len(new)

    def _components(self) -> set[str]:
        """Return the versions of the stack's components."""
        own, found = devices.own_components(self.target), set[str]()
        prefix = PublishedComponents(self.aws, self.target.outputs["ThingGroupArn"]).prefix
        for name in (own.inspector, own.model):
            with contextlib.suppress(self.aws.greengrass.exceptions.ResourceNotFoundException):  # before the first
                pages = self.aws.greengrass.get_paginator("list_component_versions").paginate(arn=f"{prefix}:{name}")
                found |= {one["arn"] for page in pages for one in page["componentVersions"]}
        return found

    def _remove_components(self) -> int:
        new = self._components() - self.components
        for arn in new:
            self.aws.greengrass.delete_component(arn=arn)
        return len(new)

    def _remove_features(self, images: list[Image]) -> int:
        group = self.target.outputs.get("FeatureGroupName")
        labelled = [image for image in images if image.label_ref] if group else []
        for image in labelled:
            self.aws.feature_store.delete_record(
                FeatureGroupName=str(group),
                RecordIdentifierValueAsString=image.image_id,
                EventTime=this_moment().strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
        return len(labelled)

    def _remove_images(self, images: list[Image]) -> int:
        """Erase the uploads, those that were set aside too, and forget them."""
        bucket, ledger = self.target.outputs["ImagesBucketName"], pipeline.ledger(self.target)
        erased = erasing.erase_prefix(self.aws, bucket, self.incoming)
        for image in images:
            if image.status == ImageStatus.QUARANTINED:
                erased += erasing.erase_prefix(self.aws, bucket, f"{names.QUARANTINE}{image.image_id[:16]}/")
            for key in image.keys or {image.key}:
                ledger.places.forget(bucket, key, image.image_id)
        return erased

    def _objects(self) -> set[str]:
        pages = self.aws.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.target.outputs["ArtifactsBucketName"]
        )
        return {one["Key"] for page in pages for kind in ("Versions", "DeleteMarkers") for one in page.get(kind, [])}  # type: ignore[attr-defined]

    def _remove_objects(self) -> int:
        """Erase what lies under a key that was not there."""
        bucket, new = self.target.outputs["ArtifactsBucketName"], self._objects() - self.objects
        return erasing.erase_prefix(self.aws, bucket, chosen=new.__contains__) if new else 0

    def _rows(self, table: str) -> set[Row]:
        """Return the keys of all items of a table."""
        name = self.target.outputs[table]
        keys = [one["AttributeName"] for one in self.aws.dynamodb.describe_table(TableName=name)["Table"]["KeySchema"]]
        named = {f"#{number}": key for number, key in enumerate(keys)}
        pages = self.aws.dynamodb.get_paginator("scan").paginate(
            TableName=name, ProjectionExpression=", ".join(named), ExpressionAttributeNames=named
        )
        return {tuple((key, item[key]["S"]) for key in keys) for page in pages for item in page["Items"]}

    def _remove_rows(self) -> int:
        """Delete the rows that were not there, until no late event has written another one."""
        removed = 0
        for _ in range(ROUNDS):
            new = {table: self._rows(table) - self.rows[table] for table in TABLES}
            for table, rows in new.items():
                for row in rows:
                    key: dict[str, AttributeValueTypeDef] = {name: {"S": value} for name, value in row}
                    self.aws.dynamodb.delete_item(TableName=self.target.outputs[table], Key=key)
            removed += sum(map(len, new.values()))
            time.sleep(QUIET_SECONDS)
            if not any(self._rows(table) - self.rows[table] for table in TABLES):
                return removed
        raise SightlineError(f"rows are still being written after {ROUNDS * QUIET_SECONDS:.0f} s")
