"""The emulator's process: MiniStack with SageMaker and Greengrass added. `python -m local.emulator`, started by
local/stack.py.

It ends when the process that started it ends, when that one said so (`SIGHTLINE_PARENT`), and on SIGTERM, with every
process that it started itself.
"""

import asyncio
import os
import shutil
import signal
import time
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from local.emulator import (
    budgets,
    cognito,
    condition_keys,
    deliveries,
    error_types,
    exclusive_things,
    front_door,
    full_disk,
    indexes,
    keys,
    layers,
    limits,
    meters,
    object_events,
    permissions,
    policy_variables,
    rollback_triggers,
    service_quotas,
    simulated_builds,
    simulated_code_deploy,
    steady_clock,
    tied,
)
from local.emulator.aws_shapes import Structure
from local.emulator.greengrass import service as greengrass
from local.emulator.keeping import keeper
from local.emulator.sagemaker import job_life
from local.emulator.sagemaker import service as sagemaker
from local.emulator.step_functions import service as step_functions

END_SECONDS = 15


def let_loopback_stand_for_tls() -> None:
    """The emulator listens on 127.0.0.1 without TLS; bucket policies that ask for TLS are to hold there as on AWS."""
    from ministack import app
    from ministack.core.iam_evaluator import pin_request_origin

    app.pin_request_origin = lambda source_ip, _secure: pin_request_origin(source_ip, True)


def let_concurrency_be_a_parameter() -> None:
    """A template parameter of type Number comes as a text; the emulator compares an event source's limit as it came."""
    from ministack.services import lambda_svc

    original = lambda_svc._sqs_esm_concurrency
    lambda_svc._sqs_esm_concurrency = lambda *args, **kwargs: int(original(*args, **kwargs))


def let_templates_see_their_parameters() -> None:
    """SAM resolves some properties while it transforms a template; the emulator transforms with the defaults alone."""
    from ministack.services.cloudformation import changesets, engine, handlers
    from samtranslator.translator import transform as sam

    values: ContextVar[Structure] = ContextVar("values")
    apply_transforms, transform = engine._apply_transforms, sam.transform

    def with_parameters(template: Structure, provided: Any = None, previous: Any = None) -> Any:
        values.set(engine._transform_parameters(template, provided, previous))
        return apply_transforms(template, provided, previous)

    changesets._apply_transforms = handlers._apply_transforms = with_parameters
    sam.transform = lambda template, _none, policies: transform(template, values.get(), policies)


def let_handshakes_begin_in_order() -> None:
    """In Python 3.11.2, Debian 12's own, a connection that is paused as soon as it is made is read all the same: the
    first words of the TLS handshake are lost, and devices can't connect. So it is paused one turn later.
    """
    from ministack.services import iot

    def connection_made(acceptor: Any, transport: Any) -> None:
        def upgrade() -> None:
            transport.pause_reading()
            task = loop.create_task(acceptor._upgrade(transport))
            iot._mtls_upgrades.add(task)
            task.add_done_callback(iot._mtls_upgrades.discard)

        loop = asyncio.get_running_loop()
        loop.call_soon(upgrade)  # after the reader, which the transport adds when this returns

    iot._MtlsAcceptor.connection_made = connection_made


def end_politely() -> None:
    """End this process as SIGTERM from outside does, and its whole group when that takes too long."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    if os.environ.get(tied.PARENT):
        tied.end_with_parent(end_politely)
    from ministack.app import main as serve

    let_loopback_stand_for_tls()
    let_concurrency_be_a_parameter()
    let_templates_see_their_parameters()
    let_handshakes_begin_in_order()
    keys.register(Path(os.environ["SIGHTLINE_HOME"]))
    layers.share(Path(os.environ["SIGHTLINE_TMP"]) / "layers")
    sagemaker.register()
    greengrass.register()
    step_functions.register()
    exclusive_things.register()
    cognito.register()
    indexes.register()
    policy_variables.register()
    permissions.register()
    condition_keys.register()
    deliveries.register()
    simulated_builds.register()
    simulated_code_deploy.register()
    rollback_triggers.register()
    limits.register()
    budgets.register()
    object_events.register()
    service_quotas.register()
    meters.register()
    error_types.register()
    steady_clock.register()
    if os.environ.get("SIGHTLINE_KEEP"):
        keeper.register(Path(os.environ["STATE_DIR"]), resumed=os.environ["SIGHTLINE_KEEP"] == "resume")
    full_disk.register(Path(os.environ["SIGHTLINE_HOME"]))
    front_door.register()
    try:
        serve()
    finally:
        job_life.stop_all()
        shutil.rmtree(os.environ["SIGHTLINE_TMP"], ignore_errors=True)


if __name__ == "__main__":
    main()
