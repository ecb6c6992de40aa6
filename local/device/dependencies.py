"""Which version of each component a device runs: the deployment's own, and for what they depend on the newest that fits
all.
"""

import re
from collections.abc import Callable

from local.device.recipe import Recipe
from sightline.errors import SightlineError

# Public components of AWS that ours name. Nothing of them runs here; the simulated nucleus does itself what they do.
PUBLIC = {
    "aws.greengrass.Nucleus": "2.14.0",
    "aws.greengrass.TokenExchangeService": "2.0.3",
    "aws.greengrass.LogManager": "2.3.9",
}


class UnresolvedError(SightlineError):
    """No version of a component fits everything that asks for it."""


def parts(version: str) -> tuple[int, ...]:
    """Return `1.10.2` as numbers, for comparing; what follows a hyphen is left out."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("-")[0])[:3])


def fits(version: str, requirement: str) -> bool:
    """Return whether `version` lies in a range as npm writes it.

    Such as `1.0.3`, `>=1.0.0 <2.0.0`, `^1.2`, `~1.2.3`, `1.x || 2.1.0`.
    """
    return any(
        all(_fits(parts(version), term) for term in choice.split() or ["*"]) for choice in requirement.split("||")
    )


def _fits(version: tuple[int, ...], term: str) -> bool:
    match = re.fullmatch(r"(>=|<=|>|<|=|\^|~)?v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?", term)
    if not match:
        raise UnresolvedError(f"{term!r} is no version range")
    sign = match.group(1) or "="
    given = [int(part) for part in match.groups()[1:] if part and part.isdigit()]
    low = tuple(given + [0] * (3 - len(given)))
    if sign in (">=", "<", ">", "<="):
        return {">=": version >= low, "<": version < low, ">": version > low, "<=": version <= low}[sign]
    if sign == "^":
        fixed = max(1, next((place for place, part in enumerate(low, 1) if part), 1))
    else:
        fixed = max(1, min(len(given), 2)) if sign == "~" else len(given)
    return version >= low and version[:fixed] == low[:fixed]


def resolve(
    roots: dict[str, str], versions_of: Callable[[str], list[str]], recipe_of: Callable[[str, str], Recipe]
) -> dict[str, str]:
    """Return name → version of everything that runs with `roots`, dependencies first. Raise UnresolvedError."""
    chosen, wanted = dict(roots), {name: {f"={version}": "the deployment"} for name, version in roots.items()}
    settled: set[tuple[str, str]] = set()
    while fresh := sorted(set(chosen.items()) - settled):
        for name, version in fresh:
            settled.add((name, version))
            for other, needed in recipe_of(name, version).get("ComponentDependencies", {}).items():
                wanted.setdefault(other, {})[needed.get("VersionRequirement", "*")] = f"{name} {version}"
                chosen[other] = _choose(other, wanted[other], versions_of(other))
    return {name: chosen[name] for name in _ordered(chosen, recipe_of)}


def _choose(name: str, wanted: dict[str, str], versions: list[str]) -> str:
    found = [version for version in versions if all(fits(version, requirement) for requirement in wanted)]
    if not found:
        asked = "; ".join(f"{who} requires {requirement}" for requirement, who in wanted.items())
        have = ", ".join(sorted(versions, key=parts)) or "none"
        raise UnresolvedError(f"NO_AVAILABLE_COMPONENT_VERSION: {name}: {asked}; published: {have}")
    return max(found, key=parts)


def _ordered(chosen: dict[str, str], recipe_of: Callable[[str, str], Recipe]) -> list[str]:
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in order or name in above or name not in chosen:
            return
        for other in recipe_of(name, chosen[name]).get("ComponentDependencies", {}):
            visit(other, (*above, name))
        order.append(name)

    for name in sorted(chosen):
        visit(name, ())
    return order
