"""Recipes of the Greengrass components."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from sightline.names import OwnComponents, device_topics

INSPECTORS = ">=1.0.0 <2.0.0"  # whose models these are: the contract of model.json
TOKENS = "aws.greengrass.TokenExchangeService"
INSTALL_SECONDS = 900  # a slow line, and hundred megabytes of wheels


class Configuration(TypedDict):
    """What a component is set up with, until a deployment merges something else."""

    DefaultConfiguration: Mapping[str, object]


class Dependency(TypedDict):
    """Another component that this one needs."""

    VersionRequirement: str
    DependencyType: str


class Script(TypedDict):
    """A shell script of a component's life; `Timeout` in seconds."""

    Script: str
    Timeout: NotRequired[int]


class Lifecycle(TypedDict):
    """What the nucleus does with a component, and the environment in which."""

    Setenv: NotRequired[Mapping[str, str]]
    Install: NotRequired[Script]
    Run: NotRequired[Script]


class Artifact(TypedDict):
    """A file that comes with a component."""

    Uri: str
    Unarchive: str
    Permission: Mapping[str, str]


class Manifest(TypedDict):
    """What a component is on one platform."""

    Platform: Mapping[str, str]
    Lifecycle: Lifecycle
    Artifacts: list[Artifact]


class Recipe(TypedDict):
    """A component version, as Greengrass takes it."""

    RecipeFormatVersion: str
    ComponentName: str
    ComponentVersion: str
    ComponentType: str
    ComponentDescription: str
    ComponentPublisher: str
    ComponentConfiguration: Configuration
    ComponentDependencies: Mapping[str, Dependency]
    Manifests: list[Manifest]


def model_recipe(own: OwnComponents, version: str, artifact_uri: str, *, sha256: str) -> Recipe:
    """Return the recipe of one version of the model component, whose artifact `model.zip` has this digest.

    The device holds the artifact against the digest before anything uses it. It stands in the configuration, so that
    two recipes of one version tell whether their content is the same.
    """
    verify = "echo '{configuration:/sha256}  {artifacts:path}/model.zip' | sha256sum -c -"
    return {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": own.model,
        "ComponentVersion": version,
        "ComponentType": "aws.greengrass.generic",
        "ComponentDescription": "The model that the inspector runs.",
        "ComponentPublisher": "Sightline",
        "ComponentConfiguration": {"DefaultConfiguration": {"modelVersion": version, "sha256": sha256}},
        "ComponentDependencies": {own.inspector: {"VersionRequirement": INSPECTORS, "DependencyType": "SOFT"}},
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


def inspector_recipe(own: OwnComponents, version: str, artifact_uri: str, settings: Mapping[str, object]) -> Recipe:
    """Return the recipe of one version of the inspector, whose artifact is `inspector.zip`.

    `settings` are its defaults; the inspector follows them while it runs. Those that stand in the lifecycle would
    install it anew with each change, so there is only the one that decides what is installed. It finds the models where
    Greengrass unpacks them.
    """
    code = {"PYTHONPATH": "{artifacts:decompressedPath}/inspector"}
    environment = "{work:path}/environment"
    install = f"python3 -u -m inspector.install --environment '{environment}' --video '{{configuration:/video}}'"
    run = (
        f"{environment}/bin/python -u -m inspector --thing '{{iot:thingName}}'"
        f" --topics '{device_topics(own.stack, '{iot:thingName}')}'"
        f" --models '{{kernel:rootPath}}/packages/artifacts-unarchived/{own.model}' --work '{{work:path}}'"
    )
    topics = ("verdicts", "health", "telemetry", "alarms")
    publish = {
        "policyDescription": "Publishes verdicts, health, telemetry and alarms of this device.",
        "operations": ["aws.greengrass#PublishToIoTCore"],
        # The nucleus fills in the thing's name here only with a setting of its own; the thing's IoT policy does always.
        "resources": [f"{device_topics(own.stack, '*')}/{topic}" for topic in topics],
    }
    access = {"aws.greengrass.ipc.mqttproxy": {f"{own.inspector}:mqttproxy:1": publish}}
    return {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": own.inspector,
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
