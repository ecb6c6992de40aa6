"""Greengrass's token exchange service, simulated: the device's credentials over HTTP, for components alone."""

import http.server
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RENEW_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of a role's session, which hold until `ends`."""

    access_key_id: str
    secret_access_key: str
    token: str
    ends: datetime


class TokenExchange:
    """Gives the keys that `ask` gets from the cloud, renewed before they end, to who knows the token."""

    def __init__(self, ask: Callable[[], Keys]) -> None:
        self._ask = ask
        self._keys: Keys | None = None
        self._lock = threading.Lock()
        token = secrets.token_hex(16)
        exchange = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not secrets.compare_digest(self.headers.get("Authorization", ""), token):
                    return self._answer(403, {"message": "this token is not known"})
                try:
                    keys = exchange.keys()
                except Exception as error:  # whatever the cloud says: the component tries again
                    return self._answer(500, {"message": f"{type(error).__name__}: {error}"})
                return self._answer(
                    200,
                    {
                        "AccessKeyId": keys.access_key_id,
                        "SecretAccessKey": keys.secret_access_key,
                        "Token": keys.token,
                        "Expiration": keys.ends.isoformat(),
                    },
                )

            def _answer(self, status: int, value: dict[str, str]) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(value).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=lambda: self._server.serve_forever(0.05), daemon=True).start()
        self.environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self._server.server_address[1]}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def keys(self) -> Keys:
        """Return keys that hold for some minutes yet. Raise what `ask` raises."""
        with self._lock:
            if self._keys is None or self._keys.ends - datetime.now(UTC) < RENEW_BEFORE:
                self._keys = self._ask()
            return self._keys

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
