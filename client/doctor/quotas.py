"""Quotas that a first run meets in a new account, asked of Service Quotas and of Lambda."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from client.doctor.findings import Findings, not_checked, ok, wrong
from sightline.aws.clients import Aws

LAMBDA_AT_ONCE = 10  # what the defaults of the template need, and what a new account has
BUILDS = "Concurrently running builds for Linux/Medium environment"
LISTS = ("list_service_quotas", "list_aws_default_service_quotas")  # what the account has; what AWS gives everyone


@dataclass(frozen=True, slots=True)
class Needed:
    """One quota by its name in Service Quotas."""

    service: str
    name: str
    what_for: str


def needed(parameters: Mapping[str, str]) -> list[Needed]:
    """Return the quotas that the chosen parameters need."""
    training, kind = parameters["TrainingInstanceType"], "training job usage"
    if parameters["UseSpotTraining"] == "true":
        kind = "spot training job usage"
    found = [
        Needed("sagemaker", f"{training} for {kind}", "trains (TrainingInstanceType)"),
        Needed("sagemaker", f"{parameters['EvaluationInstanceType']} for processing job usage",
               "evaluates (EvaluationInstanceType)"),
    ]  # fmt: skip
    if not parameters["TrainingImageUri"]:
        found.append(Needed("codebuild", BUILDS, "builds the training image"))
    return found


class Quotas:
    """The quotas of one account and region, each service listed once."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self._values: dict[str, dict[str, float]] = {}

    def of(self, service: str) -> dict[str, float]:
        """Return the values of a service by the quotas' names: the account's own, else AWS's defaults."""
        if service not in self._values:
            client, values = self.aws.client("service-quotas"), dict[str, float]()
            for listing in reversed(LISTS):  # the account's own come last and win
                for page in client.get_paginator(listing).paginate(ServiceCode=service):
                    values |= {quota["QuotaName"]: quota["Value"] for quota in page["Quotas"]}
            self._values[service] = values
        return self._values[service]

    def check(self, asked: Needed) -> Findings:
        subject, value = f"quota “{asked.name}”", self.of(asked.service).get(asked.name)
        if value is None:
            return [not_checked(subject, f"Service Quotas has no such quota of {asked.service} in this region")]
        if value < 1:
            todo = f"ask for 1 in Service Quotas ({asked.service}), or choose another instance type"
            return [wrong(subject, f"it is {value:g}, and one {asked.what_for}", todo)]
        return [ok(subject, f"{value:g}")]


def concurrency(aws: Aws, parameters: Mapping[str, str]) -> Findings:
    """Compare how many functions may run at once with what the chosen parameters use."""
    limit = aws.lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    used = max(LAMBDA_AT_ONCE, *(int(parameters[name]) for name in ("MaxUploadWorkers", "ScoringConcurrency")))
    subject = "lambda concurrency"
    if limit < used:
        return [
            wrong(subject, f"{limit} functions run at a time, the parameters use {used}",
                  "ask for more in Service Quotas (lambda), or lower MaxUploadWorkers and ScoringConcurrency")
        ]  # fmt: skip
    return [ok(subject, f"{limit} functions run at a time, the parameters use at most {used}")]


def questions(aws: Aws, parameters: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], Findings]]]:
    """Give each quota's question with what it is about."""
    quotas = Quotas(aws)
    yield "lambda concurrency", lambda: concurrency(aws, parameters)
    for asked in needed(parameters):
        yield f"quota “{asked.name}”", lambda asked=asked: quotas.check(asked)  # type: ignore[misc]
