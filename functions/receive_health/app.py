"""Count the health reports of the devices, and tell the waiting roll-out when they are all healthy, or one is not.

Input:   a message of sightline/<thing>/health, with `topic_thing` added by the IoT rule:
         {"thing", "healthy", "model_version", "reason", "at", "topic_thing"}
Output:  {"outcome": "invalid", "ignored", "counted", "healthy" or "unhealthy"}
Effects: a report that comes late, twice, or from an unknown device changes nothing
"""

import os

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline import deployment as rules
from sightline.aws.deployments import Deployments

logger = Logger()
metrics = Metrics()
tracer = Tracer()
deployments = Deployments(os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


def receive(report: rules.HealthReport) -> str:
    current = deployments.current()
    if current is None or not rules.concerns(report, current):
        return "ignored"
    if current["status"] == rules.WAITING:
        current = deployments.record(report, current["execution"]) or deployments.current()
    if current is None or current["status"] not in (rules.HEALTHY, rules.UNHEALTHY):
        return "counted" if current and current["status"] == rules.WAITING else "ignored"
    if "answered_at" in current:
        return "ignored"
    # Settled by this report, or by one whose handler died before it could tell the workflow.
    deployments.answer(current)
    return str(current["status"]).lower()


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    try:
        report = rules.parse_health_report(event)
    except rules.InvalidHealthReportError as error:
        logger.warning("health report refused", reason=str(error))
        metrics.add_metric(name="HealthReportsRefused", unit=MetricUnit.Count, value=1)
        return {"outcome": "invalid"}
    outcome = receive(report)
    logger.info("health report received", thing=report.thing, model_version=report.model_version, outcome=outcome)
    metrics.add_metric(name=f"HealthReports{outcome.capitalize()}", unit=MetricUnit.Count, value=1)
    return {"outcome": outcome}
