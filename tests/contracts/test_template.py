"""The template and the code it deploys: nothing missing, nothing left over, and only the rights with a reason."""

import ast
import copy
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from scripts import join_template
from sightline.api.http import REQUESTS_FAILED
from tests.project import (
    ROOT,
    TEMPLATE,
    folder_of,
    function_names,
    functions,
    handler_records,
    imports,
    references,
    resources,
    state_machines,
    template,
)

FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
ASSIGNED = {"AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME"}  # Lambda sets these by itself
POLICY_TYPES = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::Serverless::Function")


def statements() -> list[tuple[str, dict[str, Any]]]:
    """Every policy statement of the template with the logical name it stands under."""

    def walk(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, dict):
            own = [value] if "Effect" in value and ("Action" in value or "NotAction" in value) else []
            return own + [found for entry in value.values() for found in walk(entry)]
        return [found for entry in value for found in walk(entry)] if isinstance(value, list) else []

    return [(name, found) for name, entry in template()["Resources"].items() for found in walk(entry)]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def environment_read(folder: str) -> set[str]:
    """The environment variables that a function reads, all as `os.environ["NAME"]`."""
    text = (ROOT / "functions" / folder / "app.py").read_text()
    return set(re.findall(r"os\.environ\[\"(\w+)\"\]", text))


def test_every_function_folder_is_in_the_template_and_the_other_way_round() -> None:
    missing = sorted(set(FOLDERS) - set(functions()))
    assert missing == [], "add these functions to a part in infra/; then `make template`"
    assert sorted(set(functions()) - set(FOLDERS)) == [], "write functions/<name>/app.py"


@pytest.mark.parametrize(("logical", "folder"), sorted(function_names().items()))
def test_one_word_names_function_and_folder(logical: str, folder: str) -> None:
    assert (folder_of(logical), logical.endswith("Function")) == (folder, True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_function_has_somebody_who_calls_it(folder: str) -> None:
    logical = {name for name, entry in function_names().items() if entry == folder}
    substituted = [machine["DefinitionSubstitutions"] for machine in state_machines().values()]
    rest = {name: entry for name, entry in template()["Resources"].items() if name not in logical}
    callers = [
        entry
        for entry in rest.values()
        if entry["Type"] in ("AWS::IoT::TopicRule", "AWS::Events::Rule", "AWS::ApiGatewayV2::Integration")
    ]
    called = references(substituted) | references(callers)
    assert functions().get(folder, {}).get("Events") or called & logical, (
        "no state, no event source and no rule names it"
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_gets_exactly_the_environment_it_reads(folder: str) -> None:
    given = set(functions().get(folder, {}).get("Environment", {}).get("Variables", {}))
    assert environment_read(folder) - ASSIGNED == given


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_missing_setting_stops_a_function_at_its_start(folder: str) -> None:
    text = (ROOT / "functions" / folder / "app.py").read_text()
    assert "environ.get" not in text, "a default hides a missing setting"
    assert "getenv" not in text, "a default hides a missing setting"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_imports_no_other_one_no_boto3_and_nothing_heavy(folder: str) -> None:
    roots = {name.split(".")[0] for name in imports(ROOT / "functions" / folder / "app.py")}
    assert roots & {"app", "functions", "pandas", "sagemaker", "torch", "boto3", "botocore", *FOLDERS} == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_handler_says_what_goes_in_and_out(folder: str) -> None:
    says = ast.get_docstring(ast.parse((ROOT / "functions" / folder / "app.py").read_text())) or ""
    sections = [word for word in ("Input:", "Output:") if re.search(f"^{word}", says, re.MULTILINE)]
    assert sections == ["Input:", "Output:"] or "docs/reference/console-api.md" in says


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_handler_names_every_field_that_goes_in_and_out(folder: str) -> None:
    says = ast.get_docstring(ast.parse((ROOT / "functions" / folder / "app.py").read_text())) or ""
    taken, answered = handler_records(folder)
    text, _, rest = says.partition("\nOutput:")
    assert [field for field in taken or () if f'"{field}"' not in text] == []
    assert [field for field in answered or () if f'"{field}"' not in rest] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_function_has_a_unit_test(folder: str) -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "unit" / "functions").glob("test_*.py"))
    tested = f'step("{folder}"' in tests or f'load_app("{folder}"' in tests
    assert tested, f'write tests/unit/functions/test_{folder}.py; step("{folder}") runs the function'


def test_clients_are_made_in_one_place() -> None:
    layer = ROOT / "layers" / "sightline" / "sightline"
    users = {path.relative_to(layer).as_posix() for path in layer.rglob("*.py") if "boto3" in imports(path)}
    assert users == {"aws/clients.py"}


def test_the_rules_need_the_standard_library_only() -> None:
    layer = ROOT / "layers" / "sightline" / "sightline"
    heavy = {"numpy", "PIL", "onnxruntime", "pandas", "sagemaker", "torch"}
    users = {path.relative_to(layer).as_posix() for path in layer.rglob("*.py") if _roots(path) & heavy}
    assert {name for name in users if not name.startswith("vision/")} <= {
        "datasets/agreement.py",
        "datasets/grouping.py",
        "datasets/likeness.py",
        "datasets/quality.py",
        "images/overlap.py",
        "models/doubts.py",
        "models/bootstrap.py",
        "models/metrics.py",
        "models/thresholds.py",
    }


def _roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def test_every_star_in_a_policy_has_its_reason_beside_it() -> None:
    found = [
        f"{number}: {line.strip()}"
        for number, line in enumerate(TEMPLATE.read_text().splitlines(), start=1)
        if re.search(r"(?:Resource|Action|Principal|NotResource|NotAction): *\[?[\"']?\*|^ *- *[\"']\*[\"']", line)
        and "# reason:" not in line
    ]
    denials = [line for line in found if 'Principal: "*"' in line]  # a Deny for everybody takes rights away
    assert [line for line in found if line not in denials] == []
    assert all(statement["Effect"] == "Deny" for _, statement in statements() if statement.get("Principal") == "*")


def test_no_statement_allows_all_actions_of_a_service() -> None:
    wide = [
        (name, action)
        for name, statement in statements()
        if statement["Effect"] == "Allow" and name != "DataKey"  # the key's own policy must name its administrators
        for action in as_list(statement["Action"])
        if action == "*" or action.endswith(":*")
    ]
    assert wide == []


def test_every_statement_has_a_sid_that_says_why() -> None:
    trust = [entry for _, entry in statements() if as_list(entry["Action"])[0].startswith("sts:AssumeRole")]
    bare = [name for name, entry in statements() if entry not in trust and not entry.get("Sid")]
    assert bare == []


def test_no_role_takes_a_policy_of_aws_for_all_purposes() -> None:
    text = TEMPLATE.read_text()
    assert re.findall(r"arn:[^\s]*:iam::aws:policy/\S+|\w+FullAccess", text) == []


def test_every_parameter_is_used_and_described() -> None:
    whole = {key: value for key, value in template().items() if key != "Parameters"}
    unused = set(template()["Parameters"]) - references(whole)
    assert unused == set()
    assert [name for name, entry in template()["Parameters"].items() if not entry.get("Description")] == []


def test_no_parameter_has_to_be_given() -> None:
    """`sam deploy --guided` asks for each, and Enter is always an answer."""
    assert [name for name, entry in template()["Parameters"].items() if "Default" not in entry] == []


def test_every_reference_leads_to_something() -> None:
    known = set(template()["Resources"]) | set(template()["Parameters"])
    generated = {name for name in references(template()) if not name.startswith("AWS::")} - known
    # SAM makes resources of its own, named after the ones written here.
    assert {name for name in generated if not name.startswith(tuple(template()["Resources"]))} == set()


@pytest.mark.parametrize("name", sorted(resources("AWS::S3::Bucket")))
def test_every_bucket_is_private_encrypted_and_refuses_plain_http(name: str) -> None:
    properties = resources("AWS::S3::Bucket")[name]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    rule = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
    assert rule["SSEAlgorithm"] == "aws:kms"
    policies = [
        entry["Properties"]["PolicyDocument"]["Statement"]
        for entry in resources("AWS::S3::BucketPolicy").values()
        if entry["Properties"]["Bucket"] == {"Ref": name}
    ]
    denies = [entry["Condition"] for policy in policies for entry in policy if entry["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denies


@pytest.mark.parametrize("name", sorted(resources("AWS::DynamoDB::Table")))
def test_every_table_is_encrypted_and_can_be_restored(name: str) -> None:
    properties = resources("AWS::DynamoDB::Table")[name]["Properties"]
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("name", sorted(resources("AWS::SQS::Queue")))
def test_every_queue_is_encrypted(name: str) -> None:
    assert "KmsMasterKeyId" in resources("AWS::SQS::Queue")[name]["Properties"]


@pytest.mark.parametrize("name", sorted(resources("AWS::SQS::Queue", "AWS::Serverless::StateMachine")))
def test_every_workflow_and_every_dead_letter_queue_has_an_alarm_that_tells_people(name: str) -> None:
    if resources("AWS::SQS::Queue").get(name) and "DeadLetter" not in name:
        assert "RedrivePolicy" in resources("AWS::SQS::Queue")[name]["Properties"]
        return
    alarms = [
        entry["Properties"]
        for entry in resources("AWS::CloudWatch::Alarm").values()
        if name in references(entry["Properties"].get("Dimensions"))
    ]
    assert alarms, f"nothing watches {name}"
    assert all(alarm["AlarmActions"] == [{"Ref": "NotificationTopic"}] for alarm in alarms)


def test_the_alarm_of_predict_watches_what_the_api_counts() -> None:
    metric = resources("AWS::CloudWatch::Alarm")["PredictFailed"]["Properties"]
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert (metric["Namespace"], metric["MetricName"]) == (variables["POWERTOOLS_METRICS_NAMESPACE"], REQUESTS_FAILED)
    assert metric["Dimensions"] == [
        {"Name": "function", "Value": {"Ref": "PredictFunction"}},
        {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]},
    ]


@pytest.mark.parametrize("name", sorted(state_machines()))
def test_a_workflow_may_invoke_exactly_the_functions_it_names(name: str) -> None:
    machine = state_machines()[name]
    named = {key for key in machine["DefinitionSubstitutions"] if key.endswith("Function")}
    allowed = [
        statement["Resource"]
        for policy in machine["Policies"]
        for statement in policy.get("Statement", [])
        if "lambda:InvokeFunction" in as_list(statement["Action"])
    ]
    invoked = {name for name in references(allowed) if name.endswith("Function")}
    assert named - invoked == set(), f"name them in InvokeSteps of {name}, in infra/; then `make template`"
    assert invoked - named == set(), f"{name} has no such substitution"


@pytest.mark.parametrize("name", sorted(state_machines()))
def test_every_workflow_is_traced_and_logs(name: str) -> None:
    machine = state_machines()[name]
    assert machine["Tracing"] == {"Enabled": True}
    assert machine["Logging"]["Destinations"]


def test_every_log_group_ends_its_logs_some_day() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert {name for name, entry in groups.items() if "RetentionInDays" not in entry["Properties"]} == set()


@pytest.mark.parametrize("canary", ["true", "false"])
def test_new_code_of_predict_is_a_version_that_a_canary_tries_unless_it_is_switched_off(
    canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    given = copy.deepcopy(template())
    given["Resources"] = {"PredictFunction": given["Resources"]["PredictFunction"]}
    given["Resources"]["PredictFunction"]["Properties"] |= {"CodeUri": "s3://bucket/code", "Runtime": "python3.13"}
    given["Globals"]["Function"] = {"Handler": "app.handler"}
    made = transform(given, {"PredictCanary": canary}, SimpleNamespace(load=dict))["Resources"]
    kinds = {entry["Type"] for entry in made.values()}
    assert {"AWS::Lambda::Version", "AWS::Lambda::Alias"} <= kinds
    assert ("AWS::CodeDeploy::DeploymentGroup" in kinds) is (canary == "true")
    policy = made["PredictFunctionAliaslive"].get("UpdatePolicy", {})
    assert ("CodeDeployLambdaAliasUpdate" in policy) is (canary == "true")


def test_the_parts_in_infra_join_to_the_template() -> None:
    assert join_template.main(["--check"]) == 0, "run `make template`"


@pytest.mark.parametrize("part", sorted((ROOT / "infra").rglob("*.yaml")), ids=lambda path: path.name)
def test_a_part_of_the_template_can_be_read_at_one_sitting(part: Path) -> None:
    assert len(part.read_text().splitlines()) <= 400


@pytest.mark.parametrize("shape", sorted((ROOT / "infra" / "shapes").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shape_is_used_and_shows_how(shape: Path) -> None:
    used = re.compile(rf"^ *@{shape.stem}\b", re.MULTILINE)
    parts = "\n".join(part.read_text() for part in (ROOT / "infra").rglob("*.yaml"))  # shapes use shapes
    assert used.search(parts)
    assert f"@{shape.stem}" in shape.read_text().splitlines()[0]


def test_an_unknown_shape_and_a_missing_word_are_named(tmp_path: Path) -> None:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "topic.yaml").write_text("# @topic name=Alarms\n<name>:\n  Type: AWS::SNS::Topic\n")
    part = tmp_path / "stack.yaml"
    part.write_text("Resources:\n  @topics name=Alarms\n")
    with pytest.raises(ValueError, match="@topics is no shape"):
        join_template.join(tmp_path)
    part.write_text("Resources:\n  @topic title=Alarms\n")
    with pytest.raises(ValueError, match=r"@topic takes \['name'\], got \['title'\]"):
        join_template.join(tmp_path)
    part.write_text("Resources:\n  @topic \\\n    name=Alarms\n")
    assert "\n  Alarms:\n    Type: AWS::SNS::Topic\n" in join_template.join(tmp_path)


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("DevicePolicy", {"iot:Connect", "iot:Publish", "iot:Receive", "iot:Subscribe"}),
        ("DeviceRole", {"s3:PutObject"}),
    ],
)
def test_a_device_speaks_and_uploads_in_its_own_name_only(name: str, actions: set[str]) -> None:
    own = ("${!iot:Connection.Thing.ThingName}", "${!credentials-iot:ThingName}")
    given = [entry for where, entry in statements() if where == name and set(as_list(entry["Action"])) & actions]
    assert {action for entry in given for action in as_list(entry["Action"])} == actions
    where_to = [str(resource) for entry in given for resource in as_list(entry["Resource"])]
    assert [resource for resource in where_to if not any(thing in resource for thing in own)] == []
