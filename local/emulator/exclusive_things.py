"""A certificate that is attached to one thing alone: AWS IoT knows its thing whatever the client's id is.

The emulator drops `thingPrincipalType`, and knows a thing only by the client's id. Its IAM asks for `*` where AWS asks
for the certificate.
"""

import json
from typing import Any

from local.emulator.aws_shapes import Structure

EXCLUSIVE = "EXCLUSIVE_THING"
OWNER = "exclusiveThing"  # in the record of a certificate
Answer = tuple[int, dict[str, str], bytes]


def register() -> None:
    """Hook into MiniStack's IoT and its IAM."""
    from ministack.core import iam_actions
    from ministack.services import iot

    attach, context, arn_of = (
        iot._handle_thing_principals,
        iot._mqtt_policy_context,
        iam_actions.extract_resource_arn,
    )

    def handle_thing_principals(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Structure
    ) -> Answer:
        thing = path.split("/")[2]
        record = iot._certificates.get((headers.get("x-amzn-principal") or "").rsplit("/", 1)[-1])
        exclusive = query.get("thingPrincipalType") == EXCLUSIVE
        if method == "PUT" and record is not None and (reason := refusal(record, thing, exclusive=exclusive)):
            return 400, {"Content-Type": "application/json", "x-amzn-errortype": "InvalidRequestException"}, reason
        answer: Answer = attach(method, path, headers, body, query)
        if answer[0] == 200 and record is not None and method in ("PUT", "DELETE"):
            record[OWNER] = thing if exclusive else ""
            iot._certificates[record["certificateId"]] = record
        return answer

    def policy_context(account: str, region: str, certificate_id: str, client_id: str) -> dict[str, str]:
        found: dict[str, str] = context(account, region, certificate_id, client_id)
        record = iot._certificates.get_scoped(account, region, certificate_id) or {}
        if record.get(OWNER):
            found["iot:connection.thing.isattached"] = "true"
            found["iot:connection.thing.thingname"] = record[OWNER]
        return found

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        asked = certificate(path, headers, body) if service == "iot" else ""
        return asked or str(arn_of(service, method, path, headers, body, *rest))

    iot._handle_thing_principals, iot._mqtt_policy_context = handle_thing_principals, policy_context
    iam_actions.extract_resource_arn = extract_resource_arn


def refusal(record: Structure, thing: str, *, exclusive: bool) -> bytes:
    """Return why a certificate can't be attached to a thing, as the body of the answer; empty when it can."""
    others = [arn for arn in record.get("attachedThings", []) if arn.rsplit("/", 1)[-1] != thing]
    if others and (exclusive or record.get(OWNER)):
        message = "The principal is attached to another thing, and one of the two is exclusive."
        return json.dumps({"message": message}).encode()
    return b""


def certificate(path: str, headers: Any, body: bytes) -> str:
    """Return the certificate for which IAM is asked when a request names one beside its path; else an empty text."""
    parts = path.strip("/").split("/")
    if parts == ["principals", "things"] or (parts[0] == "things" and parts[2:] == ["principals"]):
        return str(headers.get("x-amzn-principal") or "")
    if parts[0] == "target-policies":
        return str(json.loads(body or b"{}").get("target") or "")
    return ""
