"""The roles that SageMaker takes have the rights that its guides ask for: a missing one fails a job after minutes."""

from fnmatch import fnmatchcase

import pytest

from tests.project import functions, resources, template
from tests.resolved import ACCOUNT, REGION, Resolver, allows

RESOLVER = Resolver(LabelingBackend="ground-truth", EndpointModelPackageArn="arn")
KEY = RESOLVER.value({"Fn::GetAtt": "DataKey.Arn"})
IMAGES, ARTIFACTS = (RESOLVER.value({"Fn::GetAtt": f"{name}.Arn"}) for name in ("ImagesBucket", "ArtifactsBucket"))
# For jobs whose output has a key. Source: SageMaker API reference, KmsKeyId of OutputDataConfig and of a labelling job.
OF_KEY = [(f"kms:{verb}", KEY) for verb in ("Encrypt", "Decrypt", "ReEncryptFrom", "GenerateDataKey", "DescribeKey")]
WORKS = "*"


def logs(kind: str) -> list[tuple[str, str]]:
    """What a job needs to write its log."""
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/{kind}"
    stream = f"{group}:log-stream:x"
    return [("logs:CreateLogGroup", group), ("logs:DescribeLogStreams", group),
            ("logs:CreateLogStream", stream), ("logs:PutLogEvents", stream)]  # fmt: skip


NEEDED = {
    # SageMaker developer guide, "CreateTrainingJob API: Execution Role Permissions".
    "TrainingRole": [
        *OF_KEY,
        *logs("TrainingJobs"),
        ("cloudwatch:PutMetricData", WORKS),
        ("s3:GetObject", f"{ARTIFACTS}/datasets/images/a.jpg"),
        ("s3:GetObject", f"{ARTIFACTS}/datasets/7c3b93b0/train.images.json"),
        ("s3:GetObject", f"{ARTIFACTS}/training/job/dataset.files.json"),
        ("s3:GetObject", f"{ARTIFACTS}/training/job/checkpoints/last.pt"),
        ("s3:PutObject", f"{ARTIFACTS}/training/job/checkpoints/last.pt"),
        ("s3:PutObject", f"{ARTIFACTS}/training/job/output/model.tar.gz"),
        ("s3:ListBucket", ARTIFACTS),
        ("ecr:GetAuthorizationToken", WORKS),
    ],
    # The same, "CreateProcessingJob API: Execution Role Permissions".
    "EvaluationRole": [
        *OF_KEY,
        *logs("ProcessingJobs"),
        ("cloudwatch:PutMetricData", WORKS),
        ("s3:GetObject", f"{ARTIFACTS}/datasets/7c3b93b0/test.images.json"),
        ("s3:GetObject", f"{ARTIFACTS}/models/job/model.tar.gz"),
        ("s3:GetObject", f"{ARTIFACTS}/training/job/output/model.tar.gz"),
        ("s3:GetObject", f"{ARTIFACTS}/training/imports/0123456789abcdef/model.tar.gz"),
        ("s3:PutObject", f"{ARTIFACTS}/training/job/evaluation/evaluation.json"),
        ("s3:ListBucket", ARTIFACTS),
        ("ecr:GetAuthorizationToken", WORKS),
    ],
    # The same, "CreateModel API: Execution Role Permissions".
    "EndpointRole": [
        *OF_KEY,
        *logs("Endpoints/sightline"),
        ("cloudwatch:PutMetricData", WORKS),
        ("s3:GetObject", f"{ARTIFACTS}/models/job/model.tar.gz"),
        ("ecr:GetAuthorizationToken", WORKS),
    ],
    # SageMaker developer guide, "Create a SageMaker AI Execution Role for a Ground Truth Labeling Job".
    "GroundTruthRole": [
        *OF_KEY,
        ("s3:GetObject", f"{IMAGES}/incoming/line-1/a.jpg"),
        ("s3:ListBucket", IMAGES),
        ("s3:GetBucketLocation", IMAGES),
        ("s3:GetObject", f"{ARTIFACTS}/labeling/job/input.manifest"),
        ("s3:PutObject", f"{ARTIFACTS}/labeling/job/output.manifest"),
        ("s3:AbortMultipartUpload", f"{ARTIFACTS}/labeling/job/output.manifest"),
        ("s3:ListBucket", ARTIFACTS),
        ("s3:GetBucketLocation", ARTIFACTS),
        ("cloudwatch:PutMetricData", WORKS),
        ("logs:CreateLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/LabelingJobs"),
        ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/LabelingJobs:log-stream:x"),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:432418664414:function:PRE-BoundingBox"),
    ],
    # AWS managed policy AmazonSageMakerFeatureStoreAccess.
    "FeatureStoreRole": [
        *OF_KEY,
        ("s3:PutObject", f"{ARTIFACTS}/features/a.parquet"),
        ("s3:PutObjectAcl", f"{ARTIFACTS}/features/a.parquet"),
        ("s3:GetObject", f"{ARTIFACTS}/features/{ACCOUNT}/sagemaker/{REGION}/offline-store/metadata/a.json"),
        ("s3:GetBucketAcl", ARTIFACTS),
    ],
}


def rights(role: str) -> list[tuple[str, str]]:
    properties = resources("AWS::IAM::Role")[role]["Properties"]
    return RESOLVER.rights([*properties.get("ManagedPolicyArns", []), *properties["Policies"]])


@pytest.mark.parametrize("role", NEEDED)
def test_a_role_of_sagemaker_has_what_the_guide_asks_for(role: str) -> None:
    given = rights(role)
    assert [(action, arn) for action, arn in NEEDED[role] if not allows(given, action, arn)] == []


# Beyond its purpose a role has nothing: what each of these would be used for is another one's work.
ELSEWHERE = {
    "TrainingRole": [
        ("s3:GetObject", f"{ARTIFACTS}/datasets/7c3b93b0/test.images.json"),
        ("s3:GetObject", f"{ARTIFACTS}/datasets/7c3b93b0/test.manifest"),
        ("s3:GetObject", f"{ARTIFACTS}/training/job/evaluation/evaluation.json"),
        ("s3:PutObject", f"{ARTIFACTS}/training/job/evaluation/evaluation.json"),
        ("s3:PutObject", f"{ARTIFACTS}/training/job/decision.json"),
        ("s3:PutObject", f"{ARTIFACTS}/training/runs/0123456789abcdef.json"),
        ("s3:PutObject", f"{ARTIFACTS}/models/job/model.tar.gz"),
        ("s3:PutObject", f"{ARTIFACTS}/datasets/7c3b93b0/train.manifest"),
    ],
    "EvaluationRole": [
        ("s3:PutObject", f"{ARTIFACTS}/training/job/output/model.tar.gz"),
        ("s3:PutObject", f"{ARTIFACTS}/training/job/decision.json"),
        ("s3:PutObject", f"{ARTIFACTS}/training/runs/0123456789abcdef.json"),
        ("s3:PutObject", f"{ARTIFACTS}/models/job/model.tar.gz"),
    ],
    "EndpointRole": [
        ("s3:GetObject", f"{ARTIFACTS}/datasets/7c3b93b0/test.images.json"),
        ("s3:GetObject", f"{ARTIFACTS}/training/job/output/model.tar.gz"),
        ("s3:PutObject", f"{ARTIFACTS}/models/job/model.tar.gz"),
    ],
    "GroundTruthRole": [
        ("s3:GetObject", f"{ARTIFACTS}/datasets/7c3b93b0/test.images.json"),
        ("s3:PutObject", f"{IMAGES}/incoming/line-1/a.jpg"),
        ("s3:PutObject", f"{ARTIFACTS}/training/job/decision.json"),
    ],
    "FeatureStoreRole": [("s3:GetObject", f"{ARTIFACTS}/datasets/7c3b93b0/test.images.json")],
}


@pytest.mark.parametrize("role", NEEDED)
def test_a_role_of_sagemaker_reaches_nothing_of_the_others(role: str) -> None:
    given = rights(role)
    assert [(action, arn) for action, arn in ELSEWHERE[role] if allows(given, action, arn)] == []


@pytest.mark.parametrize("role", NEEDED)
def test_sagemaker_takes_a_role_for_this_account_only(role: str) -> None:
    [statement] = resources("AWS::IAM::Role")[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_key_is_used_through_services_alone() -> None:
    """Whoever has a role's keys can decrypt nothing that lies elsewhere."""
    for name in ("UseDataKeyPolicy", "UseDataKeyInJobsPolicy"):
        statements = resources("AWS::IAM::ManagedPolicy")[name]["Properties"]["PolicyDocument"]["Statement"]
        for statement in statements:
            seen = statement["Action"] == "kms:DescribeKey"
            assert seen or "kms:ViaService" in statement["Condition"]["StringEquals"], statement["Sid"]


def test_every_role_that_sagemaker_takes_is_held_here() -> None:
    taken = {
        name
        for name, role in resources("AWS::IAM::Role").items()
        if "sagemaker.amazonaws.com" in str(role["Properties"]["AssumeRolePolicyDocument"])
    }
    assert taken == set(NEEDED)


@pytest.mark.parametrize("switch", ["true", "false"])
def test_the_feature_group_can_be_left_out(switch: str) -> None:
    """Under Lake Formation the group can't be made; nothing else may depend on it."""
    here = Resolver(FeatureStore=switch)
    made = {
        name for name, entry in template()["Resources"].items() if here.is_made(name) and "Feature" in entry["Type"]
    }
    assert made == ({"LabelsFeatureGroup"} if switch == "true" else set())
    named = {
        here.value(function["Environment"]["Variables"]["FEATURE_GROUP"])
        for function in functions().values()
        if "FEATURE_GROUP" in function["Environment"]["Variables"]
    }
    assert named == {here.name("LabelsFeatureGroup") if switch == "true" else ""}


@pytest.mark.parametrize("role", ["TrainingRole", "EvaluationRole", "EndpointRole", "GroundTruthRole"])
def test_jobs_may_write_metrics_of_every_namespace_of_sagemaker(role: str) -> None:
    statements = resources("AWS::IAM::Role")[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    [condition] = [entry["Condition"] for entry in statements if entry["Action"] == "cloudwatch:PutMetricData"]
    patterns = condition["StringLike"]["cloudwatch:namespace"]
    for namespace in ("/aws/sagemaker/TrainingJobs", "/aws/sagemaker/ProcessingJobs", "AWS/SageMaker/Workteam"):
        assert any(fnmatchcase(namespace, pattern) for pattern in patterns)
