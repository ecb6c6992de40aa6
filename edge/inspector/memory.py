"""What waits in memory while the disk takes nothing: batches in their order, bounded."""

from collections import deque
from collections.abc import Iterator

from .items import Batch, Counts, Item, Queue

MEMORY_ITEMS = 2_000  # messages that wait in memory while the disk takes nothing


class Memory:
    """Batches that are not on disk yet, oldest first."""

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()

    def __bool__(self) -> bool:
        return bool(self._batches)

    @property
    def oldest(self) -> Batch:
        """The batch to write next."""
        return self._batches[0]

    def drop_oldest(self) -> None:
        """Forget the batch that is written."""
        self._batches.popleft()

    def add(self, batch: Batch) -> None:
        """Add a batch as the newest."""
        if self._batches and not self._batches[-1].items:  # its items were handed over while the disk took nothing
            before = self._batches.pop()
            batch = Batch(batch.items, before.marks | batch.marks, before.state | batch.state)
        self._batches.append(batch)

    def add_first(self, batch: Batch) -> None:
        """Add a batch that is older than all that wait."""
        self._batches.appendleft(batch)

    def items(self, queue: Queue) -> Iterator[Item]:
        """Return the items of a queue, oldest first."""
        return (item for batch in self._batches for item in batch.items if item.queue == queue)

    def marks(self) -> dict[str, str]:
        """Return how far each source has been inspected, as far as the disk does not know it."""
        return {name: mark for batch in self._batches for name, mark in batch.marks.items()}

    def forget(self, item: Item) -> None:
        """Remove an item that was handed over."""
        for batch in self._batches:
            batch.items[:] = [waiting for waiting in batch.items if waiting is not item]

    def bound(self) -> Counts:
        """Drop what is too much. Return how much that was.

        Images are too large to wait in memory, and messages may be only so many; the oldest are dropped first.
        """
        newest = self._batches[-1].items
        messages = [item for item in newest if item.queue != Queue.UPLOADS]
        uploads, newest[:] = len(newest) - len(messages), messages
        excess = sum(len(batch.items) for batch in self._batches) - MEMORY_ITEMS
        dropped = 0
        for batch in self._batches:
            if dropped >= excess:
                break
            number = min(excess - dropped, len(batch.items))
            del batch.items[:number]  # its marks stay: the image was inspected
            dropped += number
        return {f"dropped_{Queue.UPLOADS}": uploads, f"dropped_{Queue.MESSAGES}": dropped}
