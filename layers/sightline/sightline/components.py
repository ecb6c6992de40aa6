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
