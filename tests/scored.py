"""Drawn models in the registry of a running stack."""

from client.target import Target
from tests.drawn_models import files


def approve(target: Target, job: str, score: float) -> str:
    """Put a drawn model into the registry as the pipeline does, and approve it; answers its version."""
    bucket = target.outputs["ArtifactsBucketName"]
    for name, body in files(score).items():
        target.client("s3").put_object(Bucket=bucket, Key=f"models/{job}/release/{name}", Body=body)
    sagemaker = target.client("sagemaker")
    package = sagemaker.create_model_package(
        ModelPackageGroupName=target.outputs["ModelPackageGroupName"],
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"training_job": job, "release_uri": f"s3://{bucket}/models/{job}/release/"},
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    return f"1.0.{sagemaker.describe_model_package(ModelPackageName=package)['ModelPackageVersion']}"
