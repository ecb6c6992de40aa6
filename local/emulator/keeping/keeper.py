"""A stack that is killed comes back as it was: nothing is answered before it is on the disk.

Objects are files from the start (`S3_PERSIST`). What changes an item of a table, a model, a user, a device or a
certificate is in the journal before it is answered. All the rest, such as metrics, logs and messages in queues, is
copied every few seconds. Executions and jobs don't go on: they have failed, and their events say so.
"""

import logging
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from local.emulator.aws_shapes import Structure
from local.emulator.front_door import Handler, Scope
from local.emulator.keeping import KEPT, states
from local.emulator.keeping.journal import Journal, file_of, records

logger = logging.getLogger("sightline.keeping")
SECONDS = 2.0  # between two copies
SHARE = 20  # a copy that takes a second is followed by this many without one
# Services whose state goes into the journal with each change: by the name in a signature.
WHOLE = {"sagemaker": "sagemaker", "cognito-idp": "cognito", "iot": "iot", "greengrass": "greengrass"}


class Item(NamedTuple):
    """An item of a table as a change left it, None where it was removed."""

    table_arn: str
    pk: Any
    sk: Any
    item: Structure | None


class Execution(NamedTuple):
    """An execution as it begins or ends."""

    key: Any
    execution: Structure


class Whole(NamedTuple):
    """All that a service knows."""

    name: str
    state: states.State


class Keeper:
    """Keeps what the emulator of this process knows in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.journal = folder, Journal(folder)
        self.number = 0
        self.changed = threading.Event()
        self.asked = threading.Event()
        self._written: dict[str, bytes] = {}

    def copy(self, *, deployed: bool) -> None:
        """Copy all that the emulator knows; what only a deployment changes, when there was one."""
        number = self.number + 1
        with self.journal.lock:  # no transaction is done half
            self.journal.begin(number)
            live = states.several([states.TABLES])
        live |= states.several([name for name in states.ALL_LIVE if name != states.TABLES])
        if deployed:
            self._put("deployed", states.deployed(self.folder))
        self._put(f"live-{number}", live)
        self._put(KEPT, number)
        self.number = number
        for path in (*self.folder.glob("journal-*"), *self.folder.glob("live-*")):
            if path not in (file_of(self.folder, number), self.folder / f"live-{number}"):
                path.unlink(missing_ok=True)

    def _put(self, name: str, value: object) -> None:
        half = self.folder / f"{name}.new"
        half.write_bytes(pickle.dumps(value))
        half.replace(self.folder / name)

    def _get(self, name: str) -> Any:
        return pickle.loads((self.folder / name).read_bytes())  # noqa: S301 (nobody else may write into the folder)

    def note(self, service: str) -> None:
        """Write the state of a service into the journal when it has changed."""
        name = WHOLE[service]
        state = states.taken(name)
        if self.number and state is not None and self._written.get(name) != state[1]:
            self.journal.write(Whole(name, state))
            self._written[name] = state[1]

    def restore(self) -> list[str]:
        """Give the emulator back what it knew. Return the ARNs of the executions that ran."""
        self.number = self._get(KEPT)
        known: dict[str, states.State] = {**self._get("deployed"), **self._get(f"live-{self.number}")}
        written = list(records(self.folder, self.number))
        for record in written:
            if isinstance(record, Whole):
                known[record.name] = max(known.get(record.name, record.state), record.state, key=lambda one: one[0])
        since, data = known["stepfunctions"]
        found = pickle.loads(data)  # noqa: S301 (as above)
        executions = found["executions"]._data
        executions.update(record for record in written if isinstance(record, Execution))
        running = [one["executionArn"] for one in executions.values() if one["status"] == "RUNNING"]
        states.put_back({**known, "stepfunctions": (since, pickle.dumps(found))}, self.folder)
        for record in written:
            if isinstance(record, Item):
                _change(record)
        states.end_what_ran()
        return running

    def keep(self) -> None:
        """Copy again and again, from the first time that somebody asks for it."""
        pause = SECONDS
        while True:
            asked = self.asked.wait(pause)
            self.asked.clear()
            if not asked and not (self.number and self.changed.is_set()):
                continue
            self.changed.clear()
            began = time.monotonic()
            try:
                self.copy(deployed=asked)
            except Exception:
                logger.exception("no copy of the stack could be made")
                self.changed.set()
            pause = SECONDS if asked else max(SECONDS, SHARE * (time.monotonic() - began))


def _change(record: Item) -> None:
    """Do again what was done to an item."""
    from ministack.services import dynamodb

    _, _, _, region, account, name = record.table_arn.split(":", 5)
    table = dynamodb._tables.get_scoped(account, region, name.partition("/")[2])
    if table is not None and record.item is not None:
        dynamodb._set_item(table, record.pk, record.sk, record.item)
    elif table is not None:
        dynamodb._remove_item(table, record.pk, record.sk)


def register(folder: Path, *, resumed: bool) -> None:
    """Keep what the emulator of this process knows in `folder`, and begin with what lies there when it is resumed."""
    from ministack import app

    keeper = Keeper(folder)
    app.app = _answering_late(app.app, keeper)
    app.PERSIST_STATE = True

    def begin() -> None:
        _follow(keeper)
        if resumed:
            try:
                running = keeper.restore()
                keeper.copy(deployed=True)
            except Exception as error:
                logger.exception("restore")
                print(f"what the killed stack held can't be read ({error}); `sightline down` gives it up", flush=True)
                os._exit(1)
            threading.Thread(target=_tell_of_ends, args=(running,), daemon=True).start()
        threading.Thread(target=keeper.keep, name="keeper", daemon=True).start()

    app._load_persisted_state = begin
    app.save_all = lambda _services: None  # a stack that is stopped is given up
    signal.signal(signal.SIGUSR1, lambda _sign, _frame: keeper.asked.set())


def _follow(keeper: Keeper) -> None:
    """Write each change of an item, and each begin and end of an execution."""
    from ministack.services import dynamodb, stepfunctions

    set_item, remove_item, handle = dynamodb._set_item, dynamodb._remove_item, dynamodb.handle_request
    run = stepfunctions._run_execution

    def set_and_note(table: Structure, pk: Any, sk: Any, item: Structure) -> Any:
        with keeper.journal.lock:
            answer = set_item(table, pk, sk, item)
            keeper.journal.write(Item(table["TableArn"], pk, sk, item))
        return answer

    def remove_and_note(table: Structure, pk: Any, sk: Any) -> Any:
        with keeper.journal.lock:
            answer = remove_item(table, pk, sk)
            keeper.journal.write(Item(table["TableArn"], pk, sk, None))
        return answer

    async def handle_together(*request: Any) -> Any:
        with keeper.journal.together():
            return await handle(*request)

    def run_and_note(arn: str) -> Any:
        def note() -> None:
            for key, execution in list(stepfunctions._executions._data.items()):
                if execution.get("executionArn") == arn:
                    keeper.journal.write(Execution(key, execution))

        note()
        try:
            return run(arn)
        finally:
            note()

    dynamodb._set_item, dynamodb._remove_item, dynamodb.handle_request = set_and_note, remove_and_note, handle_together
    stepfunctions._run_execution = run_and_note


def _answering_late(app: Handler, keeper: Keeper) -> Handler:
    """Return `app` (ASGI), which answers a change when it is in the journal."""

    async def answered_late(scope: Scope, receive: Handler, send: Handler) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            return await app(scope, receive, send)
        service = service_of(scope)

        async def send_late(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                keeper.changed.set()
                if service in WHOLE and message["status"] < 400:
                    keeper.note(service)
            await send(message)

        return await app(scope, receive, send_late)

    return answered_late


def service_of(scope: Scope) -> str:
    """Return the service that a request is signed for, or whose target it names."""
    headers = dict(scope["headers"])
    parts = headers.get(b"authorization", b"").decode("latin-1").split("/")
    if len(parts) > 4 and parts[4].startswith("aws4_request"):
        return str(parts[3])
    return "cognito-idp" if headers.get(b"x-amz-target", b"").startswith(b"AWSCognito") else ""


def _tell_of_ends(arns: list[str]) -> None:
    """Send the events of executions that have failed, once somebody may hear them."""
    from ministack.services import stepfunctions

    address = ("127.0.0.1", int(os.environ["GATEWAY_PORT"]))
    while True:
        try:
            socket.create_connection(address, 1).close()
            break
        except OSError:
            time.sleep(0.1)
    for arn in arns:
        stepfunctions._emit_execution_status_event(stepfunctions._executions[arn])
