"""What a thing group runs: the components of its deployment, with a new model, on trial, and taken back."""

import json
from collections.abc import Mapping
from typing import NotRequired, TypedDict

from sightline.names import OwnComponents


class ConfigurationUpdate(TypedDict):
    """How a deployment changes a component's configuration: `merge` is JSON text, `reset` JSON pointers."""

    merge: NotRequired[str]
    reset: NotRequired[list[str]]


class ResourceLimits(TypedDict):
    """What a component may use: `memory` in kilobytes, `cpus` in cores."""

    memory: NotRequired[int]
    cpus: NotRequired[float]


class RunWith(TypedDict):
    """Who runs a component on the device, and within what limits."""

    posixUser: NotRequired[str]
    systemResourceLimits: NotRequired[ResourceLimits]
    windowsUser: NotRequired[str]


class ComponentSpec(TypedDict):
    """One component of a deployment, as Greengrass takes it and as the roll-out's item keeps it."""

    componentVersion: str
    configurationUpdate: NotRequired[ConfigurationUpdate]
    runWith: NotRequired[RunWith]


Components = Mapping[str, ComponentSpec]
"""Component name → what is deployed of it."""


def deployed_components(
    own: OwnComponents, previous: Components, *, model_version: str, inspector_version: str
) -> Components:
    """Return what a thing group runs with the new model: everything else that ran there stays as it is.

    A deployment replaces the whole list of components, so leaving one out removes it from the devices; but what it
    merges into a configuration stays there until another merge, so `shadowVersion` is always said.
    """
    inspector = _with_version(previous.get(own.inspector), inspector_version)
    model = _with_version(previous.get(own.model), model_version)
    merged = {"modelVersion": model_version, "shadowVersion": ""}
    return _renewed(own, {**previous, own.inspector: _merge(inspector, merged), own.model: model})


def on_trial(own: OwnComponents, components: Components, previous: Components) -> Components:
    """Return `components` as they run during the bake: the inspector compares live images with the model before.

    That one decides nothing. Without another model before, there is nothing to compare with.
    """
    before = model_of(own, previous)
    if before in ("", model_of(own, components)):
        return components
    return {**components, own.inspector: _merge(components[own.inspector], {"shadowVersion": before})}


def restored_components(own: OwnComponents, previous: Components) -> Components:
    """Return what a thing group runs after a roll-back: `previous`, and nothing of the newer configuration."""
    if own.inspector not in previous:
        return previous
    inspector = previous[own.inspector]
    known = json.loads(inspector.get("configurationUpdate", {}).get("merge", "{}"))
    cleared = {"modelVersion": str(known.get("modelVersion", "")), "shadowVersion": ""}
    return _renewed(own, {**previous, own.inspector: _merge(inspector, cleared)})


def model_of(own: OwnComponents, components: Components) -> str:
    """Return the version of the model that a thing group runs; empty for none."""
    return components[own.model]["componentVersion"] if own.model in components else ""


def _with_version(component: ComponentSpec | None, version: str) -> ComponentSpec:
    return {**component, "componentVersion": version} if component else {"componentVersion": version}


def _merge(component: ComponentSpec, settings: Mapping[str, str]) -> ComponentSpec:
    update = component.get("configurationUpdate", ConfigurationUpdate())
    merged = json.dumps({**json.loads(update.get("merge", "{}")), **settings}, sort_keys=True)
    return {**component, "configurationUpdate": {**update, "merge": merged}}


def _renewed(own: OwnComponents, components: Components) -> Components:
    """Return the components so that devices take the defaults of the version that a deployment brings.

    The digest of the model before, and the rights of the inspector before, would stay on the devices otherwise.
    """
    resets, renewed = {own.inspector: "/accessControl", own.model: ""}, dict(components)
    for name in resets.keys() & components.keys():
        update = components[name].get("configurationUpdate", ConfigurationUpdate())
        pointers = sorted({*update.get("reset", []), resets[name]})
        renewed[name] = {**components[name], "configurationUpdate": {**update, "reset": pointers}}
    return renewed
