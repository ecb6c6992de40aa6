"""Releases of a stack: what was planned for a commit, and which one proved good, in the account's own bucket."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from botocore.exceptions import ClientError

from pipelines.place import Bootstrapped
from sightline.aws.clients import Aws
from sightline.fields import Fields

GOOD = "good.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a release changes. `change_set` is its ARN, None where the release changes nothing."""

    release: str
    template_key: str
    change_set: str | None

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """Raise InvalidFieldError."""
        fields = Fields(value, "in plan.json")
        change_set = fields.text("change_set", "")
        return cls(fields.text("release"), fields.text("template_key"), change_set or None)


@dataclass(frozen=True, slots=True)
class Good:
    """The release that passed its checks last: its template, and the parameters that it ran with."""

    release: str
    template_key: str
    parameters: Mapping[str, str]

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """Raise InvalidFieldError."""
        fields = Fields(value, "in good.json")
        parameters = fields.fields("parameters")
        return cls(
            fields.text("release"),
            fields.text("template_key"),
            {name: parameters.text(name) for name in parameters.values},
        )


class Releases:
    """The bucket of releases of one stack."""

    def __init__(self, aws: Aws, place: Bootstrapped) -> None:
        self.aws = aws
        self.place = place

    def keep_template(self, release: str, template: Path) -> str:
        """Keep the packed template of a release. Return its key."""
        key = f"releases/{release}/template.yaml"
        self.aws.s3.put_object(Bucket=self.place.bucket, Key=key, Body=template.read_bytes())
        return key

    def url(self, key: str) -> str:
        """Return where CloudFormation reads a template, in the form that SAM's command line uses too."""
        suffix = "amazonaws.com.cn" if self.place.partition == "aws-cn" else "amazonaws.com"
        return f"https://s3.{self.place.region}.{suffix}/{self.place.bucket}/{key}"

    def keep_plan(self, plan: Plan) -> None:
        self._write(f"releases/{plan.release}/plan.json", {**asdict(plan), "change_set": plan.change_set or ""})

    def plan(self, release: str) -> Plan | None:
        """Return what was planned for a release; None where nothing was."""
        found = self._read(f"releases/{release}/plan.json")
        return Plan.from_json(found) if found is not None else None

    def keep_good(self, good: Good) -> None:
        self._write(GOOD, asdict(good))

    def good(self) -> Good | None:
        """Return the release that passed its checks last; None before the first."""
        found = self._read(GOOD)
        return Good.from_json(found) if found is not None else None

    def _write(self, key: str, value: Mapping[str, object]) -> None:
        self.aws.s3.put_object(Bucket=self.place.bucket, Key=key, Body=json.dumps(value, indent=1).encode())

    def _read(self, key: str) -> Mapping[str, object] | None:
        try:
            body = self.aws.s3.get_object(Bucket=self.place.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        value: Mapping[str, object] = json.loads(body)
        return value
