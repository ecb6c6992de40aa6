"""Greengrass's token exchange service, simulated: credentials over HTTP for a component that has the token."""

import http.server
import json
import secrets
import threading
from datetime import UTC, datetime, timedelta

from local.application import CREDENTIALS


class TokenExchange:
    """Gives the emulator's own root keys to who knows the token; which rights a real device needs is in
    docs/deploy.md.
    """

    def __init__(self) -> None:
        token = secrets.token_hex(16)
        answer = {
            "AccessKeyId": CREDENTIALS["aws_access_key_id"],
            "SecretAccessKey": CREDENTIALS["aws_secret_access_key"],
            "Token": "",
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = secrets.compare_digest(self.headers.get("Authorization", ""), token)
                self.send_response(200 if known else 403)
                self.end_headers()
                if known:
                    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
                    self.wfile.write(json.dumps({**answer, "Expiration": ends}).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=lambda: self._server.serve_forever(0.05), daemon=True).start()
        self.environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self._server.server_address[1]}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
