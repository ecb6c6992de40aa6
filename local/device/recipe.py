"""A component's recipe as a nucleus reads it. Greengrass requires few of the fields, so most may be missing."""

from typing import Literal, NotRequired, TypedDict

Phase = Literal["Install", "Startup", "Run", "Shutdown"]


class Configuration(TypedDict):
    """What a component is set up with, until a deployment merges something else."""

    DefaultConfiguration: dict[str, object]


class Dependency(TypedDict):
    """Which versions of another component this one needs; any when it names none."""

    VersionRequirement: NotRequired[str]


class Script(TypedDict):
    """A shell script of a component's life; `Timeout` in seconds."""

    Script: str
    Setenv: NotRequired[dict[str, str]]
    Timeout: NotRequired[float]


class Lifecycle(TypedDict, total=False):
    """What the nucleus does with a component, and the environment in which. A text is short for a script."""

    Setenv: dict[str, str]
    Install: str | Script
    Startup: str | Script
    Run: str | Script
    Shutdown: str | Script


class Artifact(TypedDict):
    """A file that comes with a component. `Digest` is its SHA-256 in base64, written by Greengrass."""

    Uri: str
    Unarchive: NotRequired[str]
    Digest: NotRequired[str]


class Manifest(TypedDict, total=False):
    """What a component is on one platform; one that names no platform is for all."""

    Platform: dict[str, str]
    Lifecycle: Lifecycle
    Artifacts: list[Artifact]


class Recipe(TypedDict, total=False):
    """A component version."""

    ComponentConfiguration: Configuration
    ComponentDependencies: dict[str, Dependency]
    Manifests: list[Manifest]
