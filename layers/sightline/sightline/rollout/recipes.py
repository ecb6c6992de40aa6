"""Recipes of the Greengrass components."""

from typing import Any

from sightline.names import INSPECTOR_COMPONENT, MODEL_COMPONENT

INSPECTORS = ">=1.0.0 <2.0.0"  # whose models these are: the contract of model.json
TOKENS = "aws.greengrass.TokenExchangeService"
INSTALL_SECONDS = 900  # a slow line, and hundred megabytes of wheels


def model_recipe(version: str, artifact_uri: str, *, sha256: str) -> dict[str, Any]:
    """The recipe of one version of the model component, whose artifact `model.zip` has this digest.

    The device holds the artifact against the digest before anything uses it. It stands in the configuration, so that
    two recipes of one version tell whether their content is the same.
    """
    verify = "echo '{configuration:/sha256}  {artifacts:path}/model.zip' | sha256sum -c -"
    return {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": MODEL_COMPONENT,
        "ComponentVersion": version,
        "ComponentType": "aws.greengrass.generic",
        "ComponentDescription": "The model that the inspector runs.",
        "ComponentPublisher": "Sightline",
        "ComponentConfiguration": {"DefaultConfiguration": {"modelVersion": version, "sha256": sha256}},
        "ComponentDependencies": {INSPECTOR_COMPONENT: {"VersionRequirement": INSPECTORS, "DependencyType": "SOFT"}},
        "Manifests": [
            {
                "Platform": {"os": "linux"},
                "Lifecycle": {"Install": {"Script": verify, "Timeout": 60}},
                "Artifacts": [
                    {
                        "Uri": artifact_uri,
                        "Unarchive": "ZIP",
                        "Permission": {"Read": "ALL", "Execute": "NONE"},
                    }
                ],
            }
        ],
    }


def inspector_recipe(version: str, artifact_uri: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The recipe of one version of the inspector, whose artifact is `inspector.zip`; `settings` are its defaults.

    The inspector follows its settings while it runs. Those that stand in the lifecycle would install it anew with each
    change, so there is only the one that decides what is installed. It finds the models where Greengrass unpacks them.
    """
    code = {"PYTHONPATH": "{artifacts:decompressedPath}/inspector"}
    environment = "{work:path}/environment"
    install = f"python3 -u -m inspector.install --environment '{environment}' --video '{{configuration:/video}}'"
    run = (
        f"{environment}/bin/python -u -m inspector --thing '{{iot:thingName}}'"
        f" --models '{{kernel:rootPath}}/packages/artifacts-unarchived/{MODEL_COMPONENT}' --work '{{work:path}}'"
    )
    topics = ("verdicts", "health", "telemetry", "alarms")
    publish = {
        "policyDescription": "Publishes verdicts, health, telemetry and alarms of this device.",
        "operations": ["aws.greengrass#PublishToIoTCore"],
        # The nucleus fills in the thing's name here only with a setting of its own; the thing's IoT policy does always.
        "resources": [f"sightline/*/{topic}" for topic in topics],
    }
    access = {"aws.greengrass.ipc.mqttproxy": {f"{INSPECTOR_COMPONENT}:mqttproxy:1": publish}}
    return {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": INSPECTOR_COMPONENT,
        "ComponentVersion": version,
        "ComponentType": "aws.greengrass.generic",
        "ComponentDescription": "Inspects images with the deployed model and publishes verdicts.",
        "ComponentPublisher": "Sightline",
        "ComponentConfiguration": {"DefaultConfiguration": {**settings, "accessControl": access}},
        # For the credentials with which images are sent back.
        "ComponentDependencies": {TOKENS: {"VersionRequirement": ">=2.0.0 <3.0.0", "DependencyType": "HARD"}},
        "Manifests": [
            {
                "Platform": {"os": "linux"},
                "Lifecycle": {
                    "Setenv": code,
                    "Install": {"Script": install, "Timeout": INSTALL_SECONDS},
                    "Run": {"Script": run},
                },
                "Artifacts": [
                    {
                        "Uri": artifact_uri,
                        "Unarchive": "ZIP",
                        "Permission": {"Read": "ALL", "Execute": "NONE"},
                    }
                ],
            }
        ],
    }
