"""What a deployment needs of an account: credentials, a region that has the services, and rights."""

from collections.abc import Iterable

import boto3

from client.doctor.findings import Finding, Findings, not_checked, note, ok, wrong
from client.target import Place
from sightline import names

# What the stack uses, by boto3's names: without one of these a deployment fails.
SERVICES = (
    "apigatewayv2", "cloudformation", "cloudwatch", "codebuild", "cognito-idp", "dynamodb", "ecr", "events", "iam",
    "iot", "kms", "lambda", "logs", "s3", "sagemaker", "scheduler", "sns", "sqs", "stepfunctions", "sts",
)  # fmt: skip
FOR_DEVICES = ("greengrassv2",)

# What makes a resource of each type of the template. What SAM makes of its own types is among them.
CREATES = {
    "AWS::ApiGatewayV2::Api": "apigateway:POST",
    "AWS::ApiGatewayV2::Authorizer": "apigateway:POST",
    "AWS::ApiGatewayV2::Integration": "apigateway:POST",
    "AWS::ApiGatewayV2::Route": "apigateway:POST",
    "AWS::ApiGatewayV2::Stage": "apigateway:POST",
    "AWS::Budgets::Budget": "budgets:ModifyBudget",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CodeBuild::Project": "codebuild:CreateProject",
    "AWS::Cognito::UserPool": "cognito-idp:CreateUserPool",
    "AWS::Cognito::UserPoolClient": "cognito-idp:CreateUserPoolClient",
    "AWS::Cognito::UserPoolGroup": "cognito-idp:CreateGroup",
    "AWS::Cognito::UserPoolUser": "cognito-idp:AdminCreateUser",
    "AWS::Cognito::UserPoolUserToGroupAttachment": "cognito-idp:AdminAddUserToGroup",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable",
    "AWS::ECR::Repository": "ecr:CreateRepository",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::ManagedPolicy": "iam:CreatePolicy",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::IoT::Policy": "iot:CreatePolicy",
    "AWS::IoT::RoleAlias": "iot:CreateRoleAlias",
    "AWS::IoT::ThingGroup": "iot:CreateThingGroup",
    "AWS::IoT::TopicRule": "iot:CreateTopicRule",
    "AWS::KMS::Key": "kms:CreateKey",
    "AWS::Lambda::Permission": "lambda:AddPermission",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::S3::Bucket": "s3:CreateBucket",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
    "AWS::SNS::Subscription": "sns:Subscribe",
    "AWS::SNS::Topic": "sns:CreateTopic",
    "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
    "AWS::SQS::Queue": "sqs:CreateQueue",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
    "AWS::SageMaker::Endpoint": "sagemaker:CreateEndpoint",
    "AWS::SageMaker::EndpointConfig": "sagemaker:CreateEndpointConfig",
    "AWS::SageMaker::FeatureGroup": "sagemaker:CreateFeatureGroup",
    "AWS::SageMaker::Model": "sagemaker:CreateModel",
    "AWS::SageMaker::ModelPackageGroup": "sagemaker:CreateModelPackageGroup",
    "AWS::Serverless::Function": "lambda:CreateFunction",
    "AWS::Serverless::LayerVersion": "lambda:PublishLayerVersion",
    "AWS::Serverless::StateMachine": "states:CreateStateMachine",
}
OPTIONAL = ("AWS::Budgets::Budget", "AWS::Cognito::UserPoolUser", "AWS::Cognito::UserPoolUserToGroupAttachment",
            "AWS::SNS::Subscription", "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig",
            "AWS::SageMaker::Model")  # fmt: skip
DEPLOYS = (
    "cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks", "cloudformation:ExecuteChangeSet", "cloudformation:GetTemplateSummary",
    "codedeploy:CreateApplication", "codedeploy:CreateDeploymentGroup", "iam:AttachRolePolicy", "iam:PassRole",
    "iam:PutRolePolicy", "iam:TagRole", "lambda:CreateAlias", "lambda:CreateEventSourceMapping",
    "lambda:PublishVersion", "scheduler:CreateSchedule",
)  # fmt: skip


class Caller:
    """Who calls, found out once."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.account = ""
        self.arn = ""

    def credentials(self) -> Findings:
        """Ask who calls. Later checks need the answer."""
        if self.place.session.get_credentials() is None:
            return [wrong("credentials", "there are none", "run `aws configure sso`, or set AWS_PROFILE")]
        asked = self.place.aws.sts.get_caller_identity()
        self.account, self.arn = asked["Account"], asked["Arn"]
        return [ok("credentials", f"account {self.account}, as {self.arn}")]

    def source(self) -> str:
        """Return the ARN whose policies count: of a role, not of its session."""
        if ":assumed-role/" not in self.arn:
            return self.arn
        name = self.arn.split("/")[1]
        return str(self.place.aws.client("iam").get_role(RoleName=name)["Role"]["Arn"])  # a role may have a path

    def rights(self, types: Iterable[str]) -> Findings:
        """Ask IAM whether the caller may make what the template has."""
        if not self.arn:
            return [not_checked("rights", "nobody knows who calls")]
        if self.arn.endswith(":root"):
            return [note("rights", "you are the account's root user, who may do everything", "use a role instead")]
        needed = {CREATES[kind] for kind in types if kind in CREATES and kind not in OPTIONAL} | set(DEPLOYS)
        iam, denied, asked = self.place.aws.client("iam"), [], sorted(needed)
        source = self.source()
        pages = iam.get_paginator("simulate_principal_policy").paginate(PolicySourceArn=source, ActionNames=asked)
        for page in pages:
            denied += [one["EvalActionName"] for one in page["EvaluationResults"] if one["EvalDecision"] != "allowed"]
        if denied:
            return [
                wrong("rights", f"{source} may not {', '.join(sorted(denied))}",
                      "deploy with a role that may, or have these rights added")
            ]  # fmt: skip
        return [ok("rights", f"{source} may make all that the template has ({len(asked)} actions)")]


def stack_name(place: Place) -> Findings:
    """Say whether everything that carries the stack's name can have it."""
    try:
        names.check_stack(place.stack)
    except names.InvalidStackNameError as error:
        return [wrong("stack name", str(error), "choose another name in samconfig.toml")]
    return [ok("stack name", place.stack)]


def region(place: Place) -> Findings:
    """Say whether a region is chosen, and whether it has the services. boto3's own lists are asked, not the region."""
    name = place.session.region_name
    if not name:
        return [wrong("region", "none is chosen", "set AWS_REGION, or give --region")]
    try:
        partition = place.session.get_partition_for_region(name)
    except Exception:  # botocore has an error of its own for it, which it does not show to others
        return [wrong("region", f"{name} is no region that boto3 knows", "check its name, or update boto3")]
    found: list[Finding] = [ok("region", name)]
    missing = _missing(place, partition, SERVICES)
    if missing:
        said = f"as far as boto3 {boto3.__version__} knows, {name} does not have {', '.join(missing)}"
        found.append(wrong("services", said, "choose another region, or update boto3 if it has them by now"))
    else:
        found.append(ok("services", f"{name} has all that the stack uses"))
    if _missing(place, partition, FOR_DEVICES):
        said = f"{name} does not have AWS IoT Greengrass V2, which devices need"
        found.append(note("services for devices", said, "choose another region if you want to have devices"))
    return found


def _missing(place: Place, partition: str, services: Iterable[str]) -> list[str]:
    """Return the services that are not in the region, of those that are bound to regions at all."""
    name, missing = place.session.region_name, []
    for service in services:
        regions = place.session.get_available_regions(service, partition_name=partition)
        if regions and name not in regions:
            missing.append(service)
    return missing
