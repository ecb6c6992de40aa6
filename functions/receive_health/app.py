"""Count what the devices say of a model, and wake the waiting roll-out when there is something to decide.

Input:   a message of sightline/<thing>/health or …/telemetry, with `topic_thing` added by the IoT rule:
         {"thing", "healthy", "model_version", "reason", "at", "topic_thing"};
         or an event of Greengrass: a deployment that failed on a device, a component that broke
Output:  {"outcomes": for each report "ignored", "counted" or "woken"}, or ["invalid"]
Effects: a report that comes late, twice, or from an unknown device changes nothing
"""

import json
import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.aws.clients import Aws
from sightline.line import messages as reports
from sightline.rollout import deployment as rules
from sightline.rollout.deployments import Deployments
from sightline.rollout.reports import ModelReport, Reports

LIMITS = rules.Limits(**json.loads(os.environ["ROLLOUT_LIMITS"]))

logger = Logger()
metrics = Metrics()
aws = Aws()
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
said = Reports(aws, os.environ["DEPLOYMENTS_TABLE"])


def receive(report: reports.Report) -> str:
    current = deployments.current()
    concerned = current is not None and reports.concerns(report, current)
    version = report.model_version or (current["model_version"] if current and concerned else "")
    if current and concerned:
        report = reports.judged(report, current, max_latency_ms=LIMITS.max_latency_ms)
    if version and not report.window:
        said.remember(report.thing, version, ModelReport(report.healthy, report.reason, report.at))
    if not current or not concerned or current["status"] not in rules.COUNTING:
        return "ignored"
    counted = deployments.record(report, current)
    # Also when it counted before: whoever counted it may have died before the workflow was told.
    latest = counted or deployments.current()
    if latest is None or latest["execution"] != current["execution"]:
        return "ignored"
    # Only a first answer is news: telemetry, or a device that says the same again, must not keep a stage waiting.
    news = not report.window and not rules.has_answered(current, report.thing)
    return "woken" if deployments.wake(latest, LIMITS, news=news) else "counted" if counted else "ignored"


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    try:
        found = reports.parse(event)
    except reports.InvalidReportError as error:
        logger.warning("report refused", reason=str(error))
        metrics.add_metric(name="HealthReportsRefused", unit=MetricUnit.Count, value=1)
        return {"outcomes": ["invalid"]}
    outcomes = [receive(report) for report in found]
    for report, outcome in zip(found, outcomes, strict=True):
        logger.info("report received", thing=report.thing, reason=report.reason, outcome=outcome)
        metrics.add_metric(name=f"HealthReports{outcome.capitalize()}", unit=MetricUnit.Count, value=1)
    return {"outcomes": outcomes}
