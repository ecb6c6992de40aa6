"""Who hands over what waits: the connection for messages, the uploader for images, a thread for each."""

from collections.abc import Callable

from .forwarder import Forwarder
from .items import MEGABYTE, Item, Queue
from .outbox import Outbox
from .publisher import Publisher, connect
from .settings import Settings
from .uploader import from_environment

Connect = Callable[[str, str], Publisher]
"""Makes the publisher of a URL for a thing."""


class Delivery:
    """The forwarders in use. `topics` is what the topics of the device begin with."""

    def __init__(self, thing: str, topics: str, outbox: Outbox, connect: Connect = connect) -> None:
        self._thing, self._topics, self._outbox, self._connect = thing, topics, outbox, connect
        self._settings: Settings | None = None
        self._publisher: Publisher | None = None
        self._forwarders: dict[Queue, Forwarder] = {}

    def connected(self, settings: Settings) -> Publisher:
        """Return the publisher of these settings: the one in use if its address is the same, else a new one."""
        if self._publisher and self._settings and self._settings.mqtt_url == settings.mqtt_url:
            return self._publisher
        return self._connect(settings.mqtt_url, self._thing)

    def use(self, publisher: Publisher, settings: Settings) -> None:
        """Hand over through these from now on, and let go of what they replace."""
        before, self._settings = self._settings, settings
        if publisher is not self._publisher:
            self._stop(Queue.MESSAGES)
            self._publisher = publisher
            self._start(Forwarder(self._outbox, Queue.MESSAGES, lambda item: self._publish(publisher, item)))
        self._outbox.limit_bytes(Queue.UPLOADS, int(settings.queue_megabytes * MEGABYTE))
        if before is None or before.images_bucket != settings.images_bucket:
            self._stop(Queue.UPLOADS)
            if settings.images_bucket:
                uploader = from_environment(settings.images_bucket)
                self._start(Forwarder(self._outbox, Queue.UPLOADS, uploader.deliver, batch=1))

    def stop(self, seconds: float) -> None:
        """Give the messages that wait a moment to leave, and let go of everything."""
        messages = self._forwarders.get(Queue.MESSAGES)
        if messages:
            messages.drain(seconds)
        for queue in list(self._forwarders):
            self._stop(queue)

    def _publish(self, publisher: Publisher, item: Item) -> bool:
        return publisher.publish(f"{self._topics}/{item.address}", item.body)

    def _start(self, forwarder: Forwarder) -> None:
        self._forwarders[forwarder.queue] = forwarder
        forwarder.start()

    def _stop(self, queue: Queue) -> None:
        forwarder = self._forwarders.pop(queue, None)
        if forwarder:
            forwarder.stop()
        if queue == Queue.MESSAGES and self._publisher:
            self._publisher.close()
