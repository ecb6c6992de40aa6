"""Component versions: recipes that are checked when they come, and never change."""

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from local.account import ACCOUNT
from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.greengrass import state
from local.emulator.greengrass.state import PREFIX

LARGEST_PART = 999_999  # of a version's numbers
SCHEMA = Path(__file__).with_name("recipe.schema.json")


def create_component_version(request: Structure) -> Structure:
    recipe = _read_recipe(request.get("inlineRecipe", b""))
    name, version = recipe["ComponentName"], recipe["ComponentVersion"]
    arn = f"{PREFIX}:components:{name}:versions:{version}"
    if arn in state.recipes:
        raise AwsError(
            "ConflictException", f"Component [{name} : {version}] for account [{ACCOUNT}] already exists.", 409
        )
    for manifest in recipe["Manifests"]:
        for artifact in manifest.get("Artifacts", []):
            artifact |= _digest(artifact["Uri"])
    state.recipes[arn], state.created[arn] = recipe, state.now()
    status = {"componentState": "REQUESTED", "message": "NONE", "errors": {}}
    return {
        "arn": arn,
        "componentName": name,
        "componentVersion": version,
        "creationTimestamp": state.created[arn],
        "status": status,
    }


@cache
def _schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def _read_recipe(body: bytes) -> Structure:
    """Return a recipe. Raise AwsError for a field that Greengrass does not know: names are case-sensitive."""
    try:
        recipe: Structure = json.loads(body)
    except ValueError as error:
        raise AwsError("ValidationException", f"The recipe is not JSON: {error}") from error
    wrong = next(_schema().iter_errors(recipe), None)
    if wrong:
        where = "/".join(str(part) for part in wrong.absolute_path) or "the recipe"
        raise AwsError("ValidationException", f"{where}: {wrong.message[:300]}")
    largest = max(int(part) for part in recipe["ComponentVersion"].split("-")[0].split("."))
    if largest > LARGEST_PART:
        raise AwsError(
            "ValidationException",
            f"ComponentVersion: {recipe['ComponentVersion']} has a part over {LARGEST_PART}",
        )
    return recipe


def _digest(uri: str) -> dict[str, str]:
    """Return what Greengrass writes beside an artifact: devices hold the download against it."""
    try:
        body = state.neighbours.read(uri)
    except LookupError as error:
        raise AwsError("ValidationException", f"Artifact {uri} can't be read: {error}") from error
    return {"Algorithm": "SHA-256", "Digest": base64.b64encode(hashlib.sha256(body).digest()).decode()}


def _recipe(arn: str) -> Structure:
    if arn not in state.recipes:
        raise AwsError("ResourceNotFoundException", f"Component version {arn} does not exist.", 404)
    return state.recipes[arn]


def get_component(request: Structure) -> Structure:
    return {"recipeOutputFormat": "JSON", "recipe": json.dumps(_recipe(request["arn"])).encode(), "tags": {}}


def describe_component(request: Structure) -> Structure:
    recipe = _recipe(request["arn"])
    return {
        "arn": request["arn"],
        "componentName": recipe["ComponentName"],
        "componentVersion": recipe["ComponentVersion"],
        "creationTimestamp": state.created[request["arn"]],
        "publisher": recipe.get("ComponentPublisher", ""),
        "description": recipe.get("ComponentDescription", ""),
        "status": {"componentState": "DEPLOYABLE", "message": "NONE", "errors": {}},
        "platforms": [],
    }


def delete_component(request: Structure) -> Structure:
    _recipe(request["arn"])
    del state.recipes[request["arn"]]
    return {}


def list_component_versions(request: Structure) -> Structure:
    found = [arn for arn in state.recipes if arn.startswith(request["arn"] + ":versions:")]
    if not found:
        raise AwsError("ResourceNotFoundException", f"Component {request['arn']} does not exist.", 404)
    found.sort(key=lambda arn: tuple(int(part) for part in re.findall(r"\d+", arn.rsplit(":", 1)[1])), reverse=True)
    return {
        "componentVersions": [
            {
                "componentName": state.recipes[arn]["ComponentName"],
                "componentVersion": arn.rsplit(":", 1)[1],
                "arn": arn,
            }
            for arn in found
        ]
    }


def list_components(_request: Structure) -> Structure:
    names = sorted({recipe["ComponentName"] for recipe in state.recipes.values()})
    return {"components": [{"arn": f"{PREFIX}:components:{name}", "componentName": name} for name in names]}
