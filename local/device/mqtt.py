"""Listening to the emulator's MQTT broker."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt


class Listener:
    """Calls `on_message(message)` for every JSON message on `topic` (wildcards allowed) until it is closed."""

    def __init__(self, endpoint: str, topic: str, on_message: Callable[[Any], None]) -> None:
        port = urlsplit(endpoint).port or 80
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport="websockets")
        host = f"data-ats.iot.us-east-1.localhost:{port}"
        # The library says that it is a page of 127.0.0.1, which the emulator would take for another one's.
        self._client.ws_set_options(path="/mqtt", headers={"Host": host, "Origin": f"http://{host}"})
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_message = lambda _client, _data, message: on_message(json.loads(message.payload))
        self._client.connect("127.0.0.1", port, keepalive=30)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
