"""The port to the cloud's messages: Greengrass IPC on a device, MQTT with the thing's certificate elsewhere."""

import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from .log import Said, one_line
from .settings import InvalidSettingsError

ACK_SECONDS = 5.0
MQTT_PORT = 8883  # of AWS IoT Core
CERTIFICATES = "SIGHTLINE_CERTIFICATES"  # names the folder of the thing's certificate


class Publisher(Protocol):
    """The one port to the cloud's messages."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand one message over, at least once; False when that is not possible now."""

    def close(self) -> None:
        """End the connection."""


class MqttPublisher:
    """MQTT with quality of service 1 (at least once), connected for as long as the process runs."""

    def __init__(self, url: str, client_id: str) -> None:
        try:
            import paho.mqtt.client as mqtt
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise InvalidSettingsError(f"setting 'mqttUrl' {url!r} needs paho-mqtt; a device has `ipc:`") from error
        parts, folder = urlsplit(url), Path(os.environ.get(CERTIFICATES, "/greengrass/v2"))
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        try:
            ca, certificate, key = (str(folder / name) for name in ("ca.pem", "device.pem", "device.key"))
            self._client.tls_set(ca, certificate, key)
        except OSError as error:
            raise InvalidSettingsError(
                f"setting 'mqttUrl' {url!r} needs ca.pem, device.pem and device.key in {folder}: {error}"
            ) from error
        self._client.connect_async(parts.hostname or "127.0.0.1", parts.port or MQTT_PORT, keepalive=30)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes) -> bool:
        if not self._client.is_connected():
            return False  # paho would keep it in memory too, once more with each try
        message = self._client.publish(topic, payload, qos=1)
        try:
            message.wait_for_publish(ACK_SECONDS)
        except (RuntimeError, ValueError):
            return False  # the connection broke meanwhile: the outbox keeps it
        return message.is_published()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class IpcPublisher:
    """Through the Greengrass nucleus, which has the device's connection to AWS IoT Core."""

    def __init__(self, client: Any = None) -> None:
        self._client = client
        self._say = Said()

    def publish(self, topic: str, payload: bytes) -> bool:
        from awsiot.greengrasscoreipc.model import QOS

        try:
            self._connected().publish_to_iot_core(topic_name=topic, qos=QOS.AT_LEAST_ONCE, payload=payload)
        except Exception as error:
            self._say(f"Greengrass IPC takes no message: {one_line(error)}")
            self._client = None  # a connection that broke stays broken; the next try makes a new one
            return False
        self._say("")
        return True

    def _connected(self) -> Any:
        if self._client is None:
            from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2

            self._client = GreengrassCoreIPCClientV2()
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def connect(url: str, thing: str) -> Publisher:
    """The publisher that `url` names: `ipc:` or `mqtts://host:port`."""
    return IpcPublisher() if url == "ipc:" else MqttPublisher(url, thing)
