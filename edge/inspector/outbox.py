"""Store and forward: a message is kept on disk until it was handed over, in order, bounded, the oldest dropped first."""

import json
import sqlite3
from pathlib import Path
from typing import Any, Protocol

LIMIT = 100_000  # messages; about 100 MB


class Publisher(Protocol):
    """The one port to the cloud."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand one message over, at least once; False when that is not possible now."""

    def close(self) -> None:
        """End the connection."""


class Outbox:
    """Messages in SQLite; each leaves only after the publisher took it, so a crash may repeat one but loses none."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, payload TEXT)"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER)")
        self._db.commit()
        self._limit = limit

    def add(self, topic: str, message: dict[str, Any]) -> None:
        with self._db:
            self._db.execute("INSERT INTO messages (topic, payload) VALUES (?, ?)", (topic, json.dumps(message)))
            excess = len(self) - self._limit
            if excess > 0:
                oldest = "SELECT id FROM messages ORDER BY id LIMIT ?"
                self._db.execute(f"DELETE FROM messages WHERE id IN ({oldest})", (excess,))  # noqa: S608
                self._db.execute(
                    "INSERT INTO counters VALUES ('dropped', ?) ON CONFLICT (name) DO UPDATE SET value = value + ?",
                    (excess, excess),
                )

    def __len__(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM messages").fetchone()[0])

    @property
    def dropped(self) -> int:
        """How many messages were dropped, ever, because the box was full."""
        row = self._db.execute("SELECT value FROM counters WHERE name = 'dropped'").fetchone()
        return int(row[0]) if row else 0

    def send(self, publisher: Publisher) -> int:
        """Hand over what waits, oldest first, until one is not taken; answers how many were."""
        sent = 0
        for number, topic, payload in self._db.execute(
            "SELECT id, topic, payload FROM messages ORDER BY id"
        ).fetchall():
            if not publisher.publish(topic, payload.encode()):
                break
            with self._db:
                self._db.execute("DELETE FROM messages WHERE id = ?", (number,))
            sent += 1
        return sent
