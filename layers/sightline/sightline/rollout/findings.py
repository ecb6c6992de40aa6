"""What a device's report means for the fleet's roll-out: whether it concerns it, and what it finds."""

from dataclasses import dataclass

from sightline.line.messages import ComponentBroken, DeploymentFailed, Health, Report, Telemetry
from sightline.rollout.record import COUNTING, Rollout, RolloutState


@dataclass(frozen=True, slots=True)
class Proven:
    """The thing runs the model, and every golden image gave what was expected."""

    thing: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The thing can't run the model, or runs it badly."""

    thing: str
    reason: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Live images of the thing, which speak for or against the model by what comes together."""

    thing: str
    window: Telemetry


Finding = Proven | Failed | Compared


def concerns(report: Report, current: Rollout) -> bool:
    """Return whether the roll-out waits, or waited, for this report; a late or unknown one concerns nobody.

    A component that breaks says nothing of models: it concerns the roll-out once its device runs the new one.
    """
    if report.thing not in current.things or current.status not in (*COUNTING, RolloutState.HEALTHY):
        return False
    match report:
        case Health() | Telemetry():
            return report.model_version == current.model_version
        case DeploymentFailed():
            return report.deployment_id == current.deployments.get(current.stage)
        case ComponentBroken():
            return report.thing in current.healthy


def finding(report: Report, current: Rollout, *, max_latency_ms: float) -> Finding:
    """Return what a report that concerns the roll-out finds. A device that is too slow in its bake time has failed."""
    match report:
        case Health(healthy=True):
            return Proven(report.thing)
        case Telemetry(latency_ms=latency) if current.status != RolloutState.BAKING or latency <= max_latency_ms:
            return Compared(report.thing, report)
        case Telemetry():
            return Failed(
                report.thing,
                f"too slow: 95 % of images took up to {report.latency_ms:.0f} ms, allowed are {max_latency_ms:.0f}",
            )
        case _:
            return Failed(report.thing, report.reason)
