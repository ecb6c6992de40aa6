"""Recipes of the Greengrass recipes."""

import json

from sightline.rollout import recipes
from tests.named import OWN

URI = "s3://artifacts/components/com.sightline.plant.Model/1.0.3/model.zip"


def test_the_models_recipe_names_its_artifact_and_the_inspector_it_is_for() -> None:
    recipe = recipes.model_recipe(OWN, "1.0.3", URI, sha256="ab")
    assert recipe["ComponentName"] == "com.sightline.plant.Model"
    assert recipe["ComponentVersion"] == "1.0.3"
    assert list(recipe["ComponentDependencies"]) == ["com.sightline.plant.Inspector"]
    artifacts = [artifact for manifest in recipe["Manifests"] for artifact in manifest["Artifacts"]]
    assert [(artifact["Uri"], artifact["Unarchive"]) for artifact in artifacts] == [(URI, "ZIP")]


def test_two_contents_of_one_version_have_two_recipes_that_tell_them_apart() -> None:
    first, second = (recipes.model_recipe(OWN, "1.0.3", URI, sha256=digest) for digest in ("ab", "cd"))
    configured = [recipe["ComponentConfiguration"]["DefaultConfiguration"] for recipe in (first, second)]
    assert configured[0] != configured[1]


def test_a_recipe_is_json() -> None:
    recipe = recipes.model_recipe(OWN, "1.0.3", URI, sha256="ab")
    assert json.loads(json.dumps(recipe)) == recipe
