"""The hooks into the emulator's Step Functions.

They ask for the rights of each task, run SageMaker's jobs as tasks, and heed how many shards a distributed map takes at
once, which the emulator leaves out, too.
"""

import time
from typing import Any

from local.emulator.aws_shapes import Structure
from local.emulator.step_functions import (
    callbacks,
    current_task,
    ends,
    job_tasks,
    managed_rules,
    paths,
    redrives,
    repeated_starts,
    task_rights,
)

START = "arn:aws:states:::states:startExecution"


def register() -> None:
    """Hook into the emulator of this process."""
    from ministack.services import stepfunctions

    execute_task, invoke_in_time = stepfunctions._execute_task, stepfunctions._invoke_resource_with_timeout
    invoke_resource, invoke_with_callback = stepfunctions._invoke_resource, stepfunctions._invoke_with_callback
    run_map = stepfunctions._run_distributed_map

    def execute(state: Structure, raw_input: Any, execution: Any, context: Any) -> Any:
        token = current_task.execution.set(execution)
        try:
            return execute_task(state, raw_input, execution, context)
        finally:
            current_task.execution.reset(token)

    def in_time(resource: str, payload: Any, seconds: float) -> Any:
        token = current_task.deadline.set(time.monotonic() + seconds)
        try:
            return invoke_in_time(resource, payload, seconds)
        finally:
            current_task.deadline.reset(token)

    def invoke(resource: str, payload: Any) -> Any:
        task_rights.check(resource, payload)
        return invoke_resource(resource, payload)

    def with_callback(resource: str, payload: Any, token: str, state: Structure) -> Any:
        task_rights.check(resource, payload)
        return invoke_with_callback(resource, payload, token, state)

    def distributed_map(
        state: Structure, raw_input: Any, effective: Any, iterator: Any, execution: Any, context: Any
    ) -> Any:
        token = current_task.execution.set(execution)
        try:
            reader = state["ItemReader"]
            task_rights.check(
                reader["Resource"], stepfunctions._resolve_params_obj(reader["Parameters"], effective, context)
            )
            task_rights.check(
                "arn:aws:states:::states:startExecution", {"StateMachineArn": execution["stateMachineArn"]}
            )
        finally:
            current_task.execution.reset(token)
        at_once = stepfunctions._resolve_path_or_ctx(state["MaxConcurrencyPath"], effective, context)
        return run_map({**state, "MaxConcurrency": at_once}, raw_input, effective, iterator, execution, context)

    stepfunctions._run_distributed_map = distributed_map
    stepfunctions._execute_task, stepfunctions._invoke_resource_with_timeout = execute, in_time
    stepfunctions._invoke_resource, stepfunctions._invoke_with_callback = invoke, with_callback
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sagemaker:createTrainingJob"] = job_tasks.run_training
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sagemaker:createProcessingJob"] = job_tasks.run_processing
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sagemaker:createLabelingJob"] = job_tasks.run_labeling
    callbacks.register()
    ends.register()
    managed_rules.register()
    paths.register()
    redrives.register()
    repeated_starts.register()
