"""Listening to the emulator's MQTT broker."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from botocore import credentials
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from local.account import REGION, Credentials

OPENING_SECONDS = 60  # how long the signature is valid


class Listener:
    """Calls `on_message(message)` for every JSON message on `topic` (wildcards allowed) until it is closed."""

    def __init__(self, endpoint: str, root: Credentials, topic: str, on_message: Callable[[Any], None]) -> None:
        port = urlsplit(endpoint).port or 80
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport="websockets")
        host = f"data-ats.iot.{REGION}.localhost:{port}"
        # The library says that it is a page of 127.0.0.1, which the emulator would take for another one's.
        self._client.ws_set_options(
            path=_signed_path(f"http://{host}/mqtt", root), headers={"Host": host, "Origin": f"http://{host}"}
        )
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_message = lambda _client, _data, message: on_message(json.loads(message.payload))
        self._client.connect("127.0.0.1", port, keepalive=30)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _signed_path(url: str, root: Credentials) -> str:
    """Return the path and query of the web socket, signed as AWS IoT asks for it."""
    request = AWSRequest("GET", url)
    keys = credentials.Credentials(root["aws_access_key_id"], root["aws_secret_access_key"])
    SigV4QueryAuth(keys, "iotdevicegateway", REGION, expires=OPENING_SECONDS).add_auth(request)
    signed = urlsplit(str(request.url))
    return f"{signed.path}?{signed.query}"
