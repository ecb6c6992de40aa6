"""The port to the cloud: Greengrass IPC on a device, MQTT over WebSocket to the local emulator."""

from typing import Any
from urllib.parse import urlsplit

from .outbox import Publisher

ACK_SECONDS = 5.0


class MqttPublisher:
    """MQTT with quality of service 1 (at least once), connected for as long as the process runs."""

    def __init__(self, url: str, client_id: str) -> None:
        import paho.mqtt.client as mqtt

        parts = urlsplit(url)
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, transport="websockets")
        # The emulator tells its services apart by host names of the form that AWS IoT's endpoints have.
        self._client.ws_set_options(path="/mqtt", headers={"Host": f"data-ats.iot.us-east-1.localhost:{parts.port}"})
        self._client.connect_async(parts.hostname or "127.0.0.1", parts.port or 80, keepalive=30)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes) -> bool:
        message = self._client.publish(topic, payload, qos=1)
        try:
            message.wait_for_publish(ACK_SECONDS)
        except (RuntimeError, ValueError):
            return False  # not connected: the outbox keeps it
        return message.is_published()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class IpcPublisher:
    """Through the Greengrass nucleus, which has the device's connection to AWS IoT Core."""

    def __init__(self) -> None:
        from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2

        self._client: Any = GreengrassCoreIPCClientV2()

    def publish(self, topic: str, payload: bytes) -> bool:
        from awsiot.greengrasscoreipc.model import QOS, ServiceError

        try:
            self._client.publish_to_iot_core(topic_name=topic, qos=QOS.AT_LEAST_ONCE, payload=payload)
        except ServiceError:
            return False
        return True

    def close(self) -> None:
        self._client.close()


def connect(url: str, thing: str) -> Publisher:
    """The publisher that `url` names: `ipc:` or `ws://host:port`."""
    return IpcPublisher() if url == "ipc:" else MqttPublisher(url, thing)
