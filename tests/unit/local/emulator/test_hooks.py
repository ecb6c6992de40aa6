"""The places of MiniStack that the extension hooks into. These fail when one moves; then look at what it does now."""

import importlib
import inspect
from importlib.metadata import version

import pytest

SIGNATURES = {
    "app.main": [],
    "app.pin_request_origin": ["source_ip", "secure_transport"],
    "core.iam_actions.extract_iam_action": ["service", "method", "path", "headers", "body", "query_params"],
    "core.iam_actions.extract_resource_arn": [
        "service", "method", "path", "headers", "body", "query_params", "region", "account_id",
    ],
    "app._is_ecr_registry_path": ["path"],
    "core.iam_evaluator._served_unsigned": ["service", "iam_action"],
    "core.iam_evaluator.enforce": [
        "access_key_id", "iam_action", "service", "region", "resource_arn", "service_context",
    ],
    "core.iam_evaluator.is_root_access_key": ["access_key_id"],
    "core.lambda_runtime.execution_credentials": ["config"],
    "services.lambda_svc.execution_credentials": ["config"],
    "services.sts.is_root_access_key": ["access_key_id"],
    "services.sts.register_session": ["access_key", "session"],
    "core.iam_evaluator._gather_role_policies": ["role_name", "account_id"],
    "core.iam_evaluator.authenticate": ["access_key_id", "account_id"],
    "core.iam_evaluator.pin_signed_request": ["method", "raw_path", "query_params", "raw_headers", "handshake"],
    "core.iam_evaluator._conditions_met": ["conditions", "ctx"],
    "core.iam_evaluator._first_match": ["ctx", "stmts", "effect"],
    "core.iam_evaluator._principal_keys": ["credential"],
    "core.iam_evaluator._resolve_condition_key": ["key", "ctx"],
    "core.iam_evaluator._service_principal_matches": ["principal", "service"],
    "core.iam_evaluator.evaluate_resource_policy": ["doc", "ctx", "service", "named_only", "direct_only"],
    "core.iam_evaluator.evaluate": ["ctx", "policies", "limits"],
    "services.cloudformation.changesets._deploy_stack_async": None,
    "services.cloudformation.handlers._deploy_stack_async": None,
    "services.cloudformation.changesets._find_change_set": ["cs_name", "stack_name"],
    "services.cloudformation.helpers._error": ["code", "message", "status"],
    "services.cloudformation.helpers._p": ["params", "key", "default"],
    "services.cloudformation.stacks._resolve_stack_outputs": [
        "outputs_defs", "conditions", "resources", "param_values", "mappings", "stack_name", "stack_id",
    ],
    "services.tagging._collect_cognito": [],
    "services.budgets._create_budget": ["data"],
    "services.budgets._delete_budget": ["data"],
    "core.lambda_runtime.Worker._spawn": ["self"],
    "app._load_persisted_state": [],
    "app.save_all": ["services"],
    "services.dynamodb._remove_item": ["table", "pk_val", "sk_val"],
    "services.dynamodb._set_item": ["table", "pk_val", "sk_val", "item"],
    "services.dynamodb.handle_request": ["method", "path", "headers", "body", "query_params"],
    "services.dynamodb.load_persisted_state": ["data"],
    "services.iot._MtlsAcceptor._upgrade": ["self", "transport"],
    "services.iot._MtlsAcceptor.connection_made": ["self", "transport"],
    "services.lambda_svc.get_state": [],
    "services.stepfunctions._emit_execution_status_event": ["execution"],
    "services.stepfunctions._run_execution": ["exec_arn"],
    "services.codebuild._start_build": ["data"],
    "services.cognito._admin_add_user_to_group": ["data"],
    "services.cognito._admin_create_user": ["data"],
    "services.cognito._admin_delete_user": ["data"],
    "services.cognito._admin_remove_user_from_group": ["data"],
    "services.ecr._describe_images": ["data"],
    "services.ecr._put_image": ["data"],
    "services.cloudformation.changesets._apply_transforms": ["template", "provided_params", "previous_params"],
    "services.cloudformation.engine._apply_transforms": ["template", "provided_params", "previous_params"],
    "services.cloudformation.engine._transform_parameters": ["template", "provided_params", "previous_params"],
    "services.cloudformation.handlers._apply_transforms": ["template", "provided_params", "previous_params"],
    "services.cloudformation.provisioners._sfn_definition": ["props"],
    "services.apigateway.handle_execute": [
        "api_id", "stage", "path", "method", "headers", "body", "query_params", "raw_query_string",
    ],
    "services.cloudwatch.record_metric": ["namespace", "metric_name", "value", "unit", "dimensions"],
    "services.lambda_svc._emit_lambda_logs": [
        "func", "request_id", "log_text", "error", "duration_ms", "log_source",
    ],
    "services.lambda_svc._emit_lambda_metrics": ["function_name", "duration_ms", "error", "throttle"],
    "services.sqs._receive_messages_for_esm": ["queue_url", "max_number"],
    "services.cloudwatch._dispatch_alarm_actions": ["alarm", "old_state", "new_state", "reason"],
    "services.eventbridge._dispatch_to_sqs": ["spec", "payload", "sqs_parameters"],
    "services.eventbridge._invoke_target": ["target", "event", "rule", "view"],
    "services.eventbridge._put_events": ["data", "allow_aws_source"],
    "services.iot._mqtt_policy_allows": [
        "account_id", "region", "certificate_id", "context", "action", "resource", "provisioning_template",
    ],
    "services.iot._mqtt_policy_context": ["account_id", "region", "certificate_id", "client_id"],
    "services.lambda_svc._sqs_esm_concurrency": ["esm", "func_rec", "config", "queue"],
    "services.s3._error": ["code", "message", "status", "resource", "extra", "headers"],
    "services.sns._error": ["code", "message", "status"],
    "services.kms._resolve_key": ["key_id_or_arn"],
    "services.s3._get_object_data": ["bucket_name", "key", "version_id"],
    "services.sns._topic_by_arn_any_scope": ["topic_arn"],
    "services.sqs._queue_by_arn": ["arn"],
    "services.stepfunctions._create_state_machine": ["data"],
    "services.stepfunctions._update_state_machine": ["data"],
    "services.stepfunctions._call_lambda": ["func_ref", "event"],
    "services.stepfunctions._execute_task": ["state_def", "raw_input", "execution", "ctx"],
    "services.stepfunctions._invoke_resource": ["resource", "input_data"],
    "services.stepfunctions._invoke_resource_with_timeout": ["resource", "input_data", "timeout"],
    "services.stepfunctions._invoke_with_callback": ["resource", "input_data", "token", "state_def"],
    "services.stepfunctions._resolve_params_obj": None,
    "services.stepfunctions._resolve_path_or_ctx": None,
    "services.stepfunctions._run_distributed_map": [
        "state_def", "raw_input", "effective", "iterator", "execution", "ctx",
    ],
    "services.iam._roles.get_scoped": ["account_id", "region", "key", "default"],
}  # fmt: skip
TABLES = [
    "app.SERVICE_HANDLERS",
    "core.router.SERVICE_PATTERNS",
    "core.iam_actions.SERVICE_TO_IAM_NAMESPACE",
    "services.cloudformation.provisioners._RESOURCE_HANDLERS",
    "services.cloudformation.provisioners._REPLACING_PROPERTIES",
    "services.cloudformation._stacks",
    "services.cloudformation._change_sets",
    "services.cloudformation.handlers._ACTION_HANDLERS",
    "services.cloudwatch._alarms",
    "services.tagging._RESOURCE_TAG_COLLECTORS",
    "services.codebuild._builds",
    "services.ecr._images",
    "services.stepfunctions._SERVICE_DISPATCH",
    "services.stepfunctions._task_tokens",
    "services.iot._thing_groups",
]


def found(name: str) -> object:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing: object = importlib.import_module(".".join(["ministack", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise AssertionError(f"no ministack.{name}")


def test_the_emulator_is_the_version_that_the_hooks_were_made_for() -> None:
    assert version("ministack") == "1.5.33"


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_function_that_is_replaced_or_called_takes_what_it_took(name: str) -> None:
    function = found(name)
    assert callable(function)
    if SIGNATURES[name] is not None:
        assert list(inspect.signature(function).parameters) == SIGNATURES[name]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_added_to_is_a_dictionary_still(name: str) -> None:
    thing = found(name)
    assert hasattr(thing, "__setitem__"), thing
    assert hasattr(thing, "get"), thing


def test_the_emulator_looks_its_functions_up_when_it_calls_them() -> None:
    """A name that was bound early would not see the replacement."""
    from ministack import app
    from ministack.services import stepfunctions

    assert "from ministack.core.iam_actions import" in inspect.getsource(app)
    assert "_invoke_resource_with_timeout(\n" in inspect.getsource(stepfunctions._execute_task)
    assert "_SERVICE_DISPATCH.items()" in inspect.getsource(stepfunctions._invoke_resource)
