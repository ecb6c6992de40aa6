"""The rules of EventBridge by which Step Functions hears of the end of a `.sync` task.

Step Functions makes them when a state machine is made, with the rights of its role, for every `.sync` resource in the
definition, used or not. Without the rights, CreateStateMachine is refused and a new stack rolls back; the emulator asks
nothing.
"""

import json
from collections.abc import Iterator
from typing import Any

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import AwsError
from local.emulator.rights import refuse_unless_allowed

VERBS = ("PutTargets", "PutRule", "DescribeRule")
# The rule of an integration. Source: Step Functions developer guide, "IAM policies for integrated services".
RULES = {
    "sagemaker:createTrainingJob": "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    "sagemaker:createProcessingJob": "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    "sagemaker:createLabelingJob": "StepFunctionsGetEventsForSageMakerLabelingJobsRule",
    "sagemaker:createTransformJob": "StepFunctionsGetEventsForSageMakerTransformJobsRule",
    "states:startExecution": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "codebuild:startBuild": "StepFunctionsGetEventForCodeBuildStartBuildRule",
    "batch:submitJob": "StepFunctionsGetEventsForBatchJobsRule",
    "ecs:runTask": "StepFunctionsGetEventsForECSTaskRule",
}


def arn_of(integration: str) -> str:
    """Return the ARN of the rule of an integration such as `sagemaker:createTrainingJob`."""
    return f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{RULES[integration]}"


def waited_for(definition: str) -> set[str]:
    """Return the integrations that a definition waits for with `.sync` anywhere in it, those with a managed rule."""
    found = {resource.split(":::")[-1] for resource in _resources(json.loads(definition))}
    return {name for name, mark, _ in (each.partition(".sync") for each in found) if mark and name in RULES}


def _resources(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("Resource"), str):
            yield part["Resource"]
        for entry in part.values():
            yield from _resources(entry)
    elif isinstance(part, list):
        for entry in part:
            yield from _resources(entry)


def refuse_unless_managed(definition: str, role_arn: str) -> None:
    """Raise AwsError AccessDeniedException unless the role may manage the rule of every `.sync` resource."""
    for integration in sorted(waited_for(definition)):
        for verb in VERBS:
            try:
                refuse_unless_allowed(role_arn, f"events:{verb}", arn_of(integration))
            except AwsError as error:
                raise AwsError(
                    error.code,
                    f"'{role_arn}' is not authorized to create managed-rule. ({integration}.sync: {error.message})",
                ) from error


def register() -> None:
    """Let the emulator of this process ask, when a state machine is made or changed, by its API or by a stack."""
    from ministack.core.responses import error_response_json
    from ministack.services import stepfunctions
    from ministack.services.cloudformation import provisioners

    create, update = stepfunctions._create_state_machine, stepfunctions._update_state_machine
    resource = provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"]
    create_in_stack = resource["create"]

    def checked(definition: Any, role_arn: Any) -> Any:
        try:
            refuse_unless_managed(definition or "{}", str(role_arn))
        except ValueError:
            return None  # no JSON: the emulator says so
        except AwsError as error:
            return error_response_json(error.code, error.message, error.status)
        return None

    def create_state_machine(data: Any) -> Any:
        return checked(data.get("definition"), data.get("roleArn")) or create(data)

    def update_state_machine(data: Any) -> Any:
        known = stepfunctions._state_machines.get(data.get("stateMachineArn")) or {}
        definition = data.get("definition") or known.get("definition")
        return checked(definition, data.get("roleArn") or known.get("roleArn")) or update(data)

    def create_from_template(logical_id: str, props: Any, stack_name: str) -> Any:
        try:
            refuse_unless_managed(provisioners._sfn_definition(props), str(props["RoleArn"]))
        except AwsError as error:
            raise ValueError(f"{error.message} (Service: Sfn, Status Code: 400)") from error
        return create_in_stack(logical_id, props, stack_name)

    stepfunctions._create_state_machine, stepfunctions._update_state_machine = (
        create_state_machine,
        update_state_machine,
    )
    provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"] = {**resource, "create": create_from_template}
