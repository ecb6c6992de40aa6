"""The emulator with what the template gives to devices, and nothing else."""

import copy
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3

from local import emulator_process
from local.account import read_credentials
from local.device.emulator_cloud import CONFIG
from tests.project import template

STACK = "line"
RESOURCES = ("DataKey", "ImagesBucket", "ArtifactsBucket", "DevicePolicy", "DeviceRole", "DeviceRoleAlias")


class DeviceAccount:
    """An emulator of its own with these resources of the template; `parameters` of the template may be given."""

    def __init__(self, root: Path, resources: Iterable[str] = RESOURCES, **parameters: str) -> None:
        self.root = root
        port, self.mqtt_port = emulator_process.free_port(), emulator_process.free_port(0)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.pid = emulator_process.start(root, port, tied=True, mqtt_port=self.mqtt_port)
        self.credentials = read_credentials(root)
        given = copy.deepcopy(template())
        kept = {name: given["Resources"][name] for name in resources}
        del kept["ImagesBucket"]["Properties"]["CorsConfiguration"]  # names the page
        body = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Parameters": {name: given["Parameters"][name] for name in ("CanaryGroup",)},
            "Conditions": {name: given["Conditions"][name] for name in ("HasCanary",)},
            "Resources": kept,
        }
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(body),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100}
        )
        listed = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        self.names = {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in listed}

    def client(self, service: str) -> Any:
        """A client with the rights of the account's root user."""
        connect: Any = boto3.client
        return connect(service, endpoint_url=self.endpoint, config=CONFIG, **self.credentials)

    def stop(self) -> None:
        emulator_process.stop(self.root, self.pid)
