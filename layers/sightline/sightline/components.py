"""Recipes of the Greengrass components."""

from typing import Any

from sightline.names import INSPECTOR_COMPONENT, MODEL_COMPONENT


def model_recipe(version: str, artifact_uri: str, *, sha256: str) -> dict[str, Any]:
    """The recipe of one version of the model component, whose artifact `model.zip` has this digest.

    The digest stands in the configuration, so that two recipes of one version tell whether their content is the same.
    """
    return {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": MODEL_COMPONENT,
        "ComponentVersion": version,
        "ComponentDescription": "The model that the inspector runs.",
        "ComponentPublisher": "Sightline",
        "ComponentConfiguration": {"DefaultConfiguration": {"modelVersion": version, "sha256": sha256}},
        "ComponentDependencies": {
            INSPECTOR_COMPONENT: {"VersionRequirement": ">=1.0.0 <2.0.0", "DependencyType": "SOFT"}
        },
        "Manifests": [{"Artifacts": [{"Uri": artifact_uri, "Unarchive": "ZIP", "Permission": {"Read": "ALL"}}]}],
    }


def inspector_recipe(version: str, artifact_uri: str) -> dict[str, Any]:
    """The recipe of one version of the inspector, whose artifact is `inspector.zip`.

    The inspector finds the model where Greengrass unpacks the model component, in the version that the deployment
    merges as `modelVersion`; without one it runs and waits.
    """
    unpacked = "{kernel:rootPath}/packages/artifacts-unarchived/" + MODEL_COMPONENT
    settings = {"modelVersion": "", "sourceFolder": "/var/lib/sightline/images", "mqttUrl": "ipc:"}
    run = (
        "python3 -u -m inspector --thing '{iot:thingName}' --model-version '{configuration:/modelVersion}'"
        f" --models '{unpacked}' --source '{{configuration:/sourceFolder}}' --work '{{work:path}}'"
        " --mqtt-url '{configuration:/mqttUrl}'"
    )
    publish = {"operations": ["aws.greengrass#PublishToIoTCore"], "resources": ["sightline/*"]}
    access = {
        f"{INSPECTOR_COMPONENT}:mqtt:1": {"policyDescription": "Publishes verdicts, health and telemetry.", **publish}
    }
    return {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": INSPECTOR_COMPONENT,
        "ComponentVersion": version,
        "ComponentDescription": "Inspects images with the deployed model and publishes verdicts.",
        "ComponentPublisher": "Sightline",
        "ComponentConfiguration": {
            "DefaultConfiguration": {**settings, "accessControl": {"aws.greengrass.ipc.mqttproxy": access}}
        },
        "Manifests": [
            {
                "Platform": {"os": "linux"},
                "Lifecycle": {
                    "Install": {"Script": "python3 -c 'import numpy, onnxruntime, PIL'", "Timeout": 120},
                    "Run": {"Script": run, "Setenv": {"PYTHONPATH": "{artifacts:decompressedPath}/inspector"}},
                },
                "Artifacts": [
                    {"Uri": artifact_uri, "Unarchive": "ZIP", "Permission": {"Read": "ALL", "Execute": "ALL"}}
                ],
            }
        ],
    }
