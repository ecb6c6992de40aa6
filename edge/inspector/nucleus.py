"""The component's configuration over Greengrass IPC: read, followed while it changes, and checked before a
deployment.
"""

import threading
from typing import Any

from .log import Said, one_line, say
from .settings import InvalidSettingsError, parse


class IpcSettings:
    """Settings as the nucleus has them. A deployment with settings that can't be used is refused before it is
    applied.
    """

    def __init__(self, client: Any = None) -> None:
        if client is None:
            from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2

            client = GreengrassCoreIPCClientV2()
        self._client, self._say = client, Said()
        self._news = threading.Event()
        self._news.set()
        client.subscribe_to_configuration_update(
            key_path=[], on_stream_event=lambda _event: self._news.set(), on_stream_error=_keep_listening
        )
        client.subscribe_to_validate_configuration_updates(
            on_stream_event=self._validate, on_stream_error=_keep_listening
        )

    def changed(self) -> object:
        if not self._news.is_set():
            return None
        self._news.clear()
        try:
            values = self._client.get_configuration(key_path=[]).value
        except Exception as error:
            self._news.set()
            self._say(f"the configuration can't be read: {one_line(error)}")
            return None
        self._say("")
        return values

    def _validate(self, events: Any) -> None:
        """Tell the nucleus whether a deployment's configuration can be used."""
        from awsiot.greengrasscoreipc.model import ConfigurationValidityReport, ConfigurationValidityStatus

        event = events.validate_configuration_update_event
        report = ConfigurationValidityReport(
            status=ConfigurationValidityStatus.ACCEPTED, deployment_id=event.deployment_id
        )
        try:
            parse(event.configuration)
        except InvalidSettingsError as error:
            report.status, report.message = ConfigurationValidityStatus.REJECTED, str(error)
        self._client.send_configuration_validity_report(configuration_validity_report=report)

    def close(self) -> None:
        self._client.close()


def _keep_listening(error: Exception) -> bool:
    say(f"Greengrass IPC: {one_line(error)}")
    return False
