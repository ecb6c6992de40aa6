"""The template with its references resolved, as in an account with made-up names."""

import re
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from tests.project import template

REGION, ACCOUNT, STACK = "us-east-1", "123456789012", "sightline-staging"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/0a",
}
# The ARN of a resource by its type; {0} is its name.
ARNS = {
    "AWS::ApiGatewayV2::Api": "arn:aws:apigateway:us-east-1::/apis/{0}",
    "AWS::Cognito::UserPool": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/{0}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/{0}",
    "AWS::Events::Rule": "arn:aws:events:us-east-1:123456789012:rule/{0}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::123456789012:policy/{0}",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/{0}",
    "AWS::IoT::RoleAlias": "arn:aws:iot:us-east-1:123456789012:rolealias/{0}",
    "AWS::IoT::ThingGroup": "arn:aws:iot:us-east-1:123456789012:thinggroup/{0}",
    "AWS::IoT::TopicRule": "arn:aws:iot:us-east-1:123456789012:rule/{0}",
    "AWS::KMS::Key": "arn:aws:kms:us-east-1:123456789012:key/0a",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:{0}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{0}",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:123456789012:{0}",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:{0}",
    "AWS::Serverless::Function": "arn:aws:lambda:us-east-1:123456789012:function:{0}",
    "AWS::Serverless::StateMachine": "arn:aws:states:us-east-1:123456789012:stateMachine:{0}",
    "AWS::ECR::Repository": "arn:aws:ecr:us-east-1:123456789012:repository/{0}",
    "AWS::CodeBuild::Project": "arn:aws:codebuild:us-east-1:123456789012:project/{0}",
}
REF_IS_ARN = {"AWS::SNS::Topic", "AWS::IAM::ManagedPolicy", "AWS::Serverless::StateMachine"}
NAME = (
    "Name", "TableName", "TopicName", "QueueName", "FunctionName", "RepositoryName", "LogGroupName", "FeatureGroupName",
    "RoleAlias", "ThingGroupName", "ModelPackageGroupName", "ManagedPolicyName",
)  # fmt: skip


def parameters(source: dict[str, Any], **given: str) -> dict[str, str]:
    """Return the parameters of a template: what is given, else the defaults, else a word."""
    return {name: str(given.get(name, entry.get("Default", "given"))) for name, entry in source["Parameters"].items()}


def as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def allows(rights: list[tuple[str, str]], action: str, arn: str) -> bool:
    """Say whether rights hold an action on a resource; stars of either stand for anything."""
    return any(fnmatchcase(action.lower(), a.lower()) and fnmatchcase(arn, place) for a, place in rights)


class Resolver:
    """Resolves parts of a template, by default the stack's, for one set of parameters."""

    def __init__(self, stack: str = STACK, source: dict[str, Any] | None = None, **given: str) -> None:
        self.pseudo = PSEUDO | {"AWS::StackName": stack}
        self.source = template() if source is None else source
        self.parameters = parameters(self.source, **given)
        self.resources: dict[str, Any] = self.source["Resources"]

    @cache  # noqa: B019 (one resolver lives as long as its test)
    def condition(self, name: str) -> bool:
        """Say whether a condition of the template holds."""
        return self._holds(self.source["Conditions"][name])

    def _holds(self, test: Any) -> bool:
        (kind, value), *_ = test.items()
        if kind == "Condition":
            return self.condition(value)
        if kind == "Fn::Equals":
            left, right = (str(self.value(side)) for side in value)
            return left == right
        parts = [self._holds(part) for part in value]
        return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[kind]

    def is_made(self, name: str) -> bool:
        """Say whether the stack has a resource under these parameters."""
        condition = self.resources[name].get("Condition")
        return condition is None or self.condition(condition)

    def value(self, part: Any) -> Any:
        """Return a part of the template without references; None where it has `AWS::NoValue`."""
        if isinstance(part, list):
            return [found for found in map(self.value, part) if found is not None]
        if not isinstance(part, dict):
            return part
        if len(part) == 1:
            (kind, given), *_ = part.items()
            if kind == "Ref":
                return self._ref(given)
            if kind == "Fn::GetAtt":
                return self._attribute(given if isinstance(given, str) else ".".join(given))
            if kind == "Fn::Sub":
                return self._text(given)
            if kind == "Fn::Join":
                return str(given[0]).join(map(str, self.value(given[1])))
            if kind == "Fn::Split":
                return str(self.value(given[1])).split(given[0])
            if kind == "Fn::Select":
                return self.value(given[1])[int(given[0])]
            if kind == "Fn::If":
                return self.value(given[1] if self.condition(given[0]) else given[2])
        return {key: found for key, entry in part.items() if (found := self.value(entry)) is not None}

    def _text(self, given: str | list[Any]) -> str:
        """Return what `Fn::Sub` makes of a text, or of a text and words of its own."""
        text, own = (given, {}) if isinstance(given, str) else (given[0], self.value(given[1]))

        def word(match: re.Match[str]) -> str:
            if match[1] in own:
                return str(own[match[1]])
            return str(self._attribute(match[1]) if "." in match[1] else self._ref(match[1]))

        return re.sub(r"\$\{([^!}][^}]*)\}", word, text).replace("${!", "${")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        if name.endswith(".Alias"):
            return f"{self._arn(name.removesuffix('.Alias'))}:live"
        return self._arn(name) if self.resources[name]["Type"] in REF_IS_ARN else self.name(name)

    def rights(self, policies: list[Any]) -> list[tuple[str, str]]:
        """Return (action, resource) of every Allow in policies as a function, a workflow or a role lists them."""
        found: list[tuple[str, str]] = []
        for policy in policies:
            if "Fn::If" in policy:
                condition, then, otherwise = policy["Fn::If"]
                policy = then if self.condition(condition) else otherwise
            if policy == {"Ref": "AWS::NoValue"}:
                continue
            if "Ref" in policy:
                policy = self.resources[policy["Ref"]]["Properties"]
            document = self.value(policy.get("PolicyDocument", policy))
            for statement in document["Statement"]:
                if statement["Effect"] == "Allow":
                    actions, places = (as_list(statement[key]) for key in ("Action", "Resource"))
                    found += [(action, place) for action in actions for place in places]
        return found

    def name(self, logical: str) -> str:
        """Return the name of a resource: the one it is given, else one as CloudFormation makes it."""
        properties = self.resources[logical].get("Properties", {})
        named = next((properties[key] for key in NAME if key in properties), None)
        return f"{self.pseudo['AWS::StackName']}-{logical}-0A1B2C" if named is None else str(self.value(named))

    def _arn(self, logical: str) -> str:
        return ARNS[self.resources[logical]["Type"]].format(self.name(logical))

    def _attribute(self, path: str) -> str:
        logical, _, attribute = path.partition(".")
        if attribute.endswith("Arn"):
            return self._arn(logical)
        return f"{self.name(logical)}.{attribute}" if attribute != "QueueName" else self.name(logical)
