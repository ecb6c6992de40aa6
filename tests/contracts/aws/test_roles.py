"""The roles that SageMaker takes have the rights that its guides ask for: a missing one fails a job after minutes."""

from fnmatch import fnmatchcase

import pytest

from tests.project import functions, resources, template
from tests.resolved import ACCOUNT, REGION, Resolver, allows

RESOLVER = Resolver(LabelingBackend="ground-truth")
KEY = RESOLVER.value({"Fn::GetAtt": "DataKey.Arn"})
IMAGES, ARTIFACTS = (RESOLVER.value({"Fn::GetAtt": f"{name}.Arn"}) for name in ("ImagesBucket", "ArtifactsBucket"))
# For jobs whose output has a key. Source: SageMaker API reference, KmsKeyId of OutputDataConfig and of a labelling job.
OF_KEY = [(f"kms:{verb}", KEY) for verb in ("Encrypt", "Decrypt", "ReEncryptFrom", "GenerateDataKey", "DescribeKey")]
WORKS = "*"
NEEDED = {
    # SageMaker developer guide, "CreateTrainingJob API: Execution Role Permissions", and the same of processing.
    "SageMakerRole": [
        *OF_KEY,
        ("cloudwatch:PutMetricData", WORKS),
        ("logs:CreateLogStream", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs:log-stream:x"),
        ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/ProcessingJobs:log-stream:x"),
        ("logs:CreateLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs"),
        ("logs:DescribeLogStreams", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs"),
        ("s3:GetObject", f"{ARTIFACTS}/datasets/images/a.jpg"),
        ("s3:PutObject", f"{ARTIFACTS}/training/job/output/model.tar.gz"),
        ("s3:ListBucket", ARTIFACTS),
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


@pytest.mark.parametrize("role", ["SageMakerRole", "GroundTruthRole"])
def test_jobs_may_write_metrics_of_every_namespace_of_sagemaker(role: str) -> None:
    statements = resources("AWS::IAM::Role")[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    [condition] = [entry["Condition"] for entry in statements if entry["Action"] == "cloudwatch:PutMetricData"]
    patterns = condition["StringLike"]["cloudwatch:namespace"]
    for namespace in ("/aws/sagemaker/TrainingJobs", "/aws/sagemaker/ProcessingJobs", "AWS/SageMaker/Workteam"):
        assert any(fnmatchcase(namespace, pattern) for pattern in patterns)
