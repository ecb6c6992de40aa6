"""Count what the devices say of a model, and wake the waiting roll-out when there is something to decide.

Input:   a message of sightline/<stack>/<thing>/health or …/telemetry, with `topic_thing` added by the IoT rule:
         {"thing", "healthy", "model_version", "reason", "at", "topic_thing"};
         or an event of Greengrass: a deployment that failed on a device, a component that broke
Output:  {"outcomes": for each report "ignored", "counted" or "woken"}, or ["invalid"]
Effects: a report that comes late, twice, or from an unknown device changes nothing
"""

import os
from enum import StrEnum
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.line.messages import Health, InvalidMessageError, Report, Telemetry, parse_reports
from sightline.names import OwnComponents
from sightline.rollout.decisions import Limits
from sightline.rollout.deployments import Deployments
from sightline.rollout.findings import Compared, Finding, Proven, concerns, finding
from sightline.rollout.record import Rollout
from sightline.rollout.reports import ModelReport, Reports
from sightline.runtime import Context, count_metric, logger, step

OWN = OwnComponents(os.environ["STACK_NAME"])
LIMITS = Limits.from_json(os.environ["ROLLOUT_LIMITS"])

aws = Aws()
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
said = Reports(aws, os.environ["DEPLOYMENTS_TABLE"])


class ReportOutcome(StrEnum):
    """What became of a report."""

    IGNORED = "ignored"
    COUNTED = "counted"
    WOKEN = "woken"  # the roll-out that waits
    INVALID = "invalid"


class Received(TypedDict):
    outcomes: list[ReportOutcome]


def receive(report: Report) -> ReportOutcome:
    """Keep what a device said of a model, and count it for the roll-out that it concerns."""
    current = deployments.current()
    if current is None or not concerns(report, current):
        if isinstance(report, Health):
            said.remember(report.thing, report.model_version, ModelReport(report.healthy, report.reason, report.at))
        return ReportOutcome.IGNORED
    found = finding(report, current, max_latency_ms=LIMITS.max_latency_ms)
    if not isinstance(found, Compared):
        reason = "" if isinstance(found, Proven) else found.reason
        said.remember(report.thing, current.model_version, ModelReport(not reason, reason, report.at))
    return count(found, current) if current.counts else ReportOutcome.IGNORED


def count(found: Finding, current: Rollout) -> ReportOutcome:
    """Count a finding for the roll-out, and wake its workflow when there is something to decide."""
    counted = deployments.record(found, current)
    # Also when it counted before: whoever counted it may have died before the workflow was told.
    latest = counted or deployments.current()
    if latest is None or latest.execution != current.execution:
        return ReportOutcome.IGNORED
    # Only a first answer is news: telemetry, or a device that says the same again, must not keep a stage waiting.
    news = not isinstance(found, Compared) and not current.has_answered(found.thing)
    if deployments.wake(latest, LIMITS, news=news):
        return ReportOutcome.WOKEN
    return ReportOutcome.COUNTED if counted else ReportOutcome.IGNORED


@step
def handler(event: object, context: Context) -> Received:
    try:
        found = parse_reports(event, OWN)
    except InvalidMessageError as error:
        logger.warning("report refused", reason=str(error))
        count_metric("HealthReportsRefused")
        return {"outcomes": [ReportOutcome.INVALID]}
    for report in found:
        if isinstance(report, Health | Telemetry):  # from the device itself, not from Greengrass about it
            said.hear(report.thing)
    outcomes = [receive(report) for report in found]
    for report, outcome in zip(found, outcomes, strict=True):
        reason = getattr(report, "reason", "")
        logger.info("report received", thing=report.thing, reason=reason, outcome=outcome)
        count_metric(f"HealthReports{outcome.capitalize()}")
    return {"outcomes": outcomes}
