"""Serve a model: `serve` of the training image under SageMaker's contract for endpoints, `python -m training.serve` on
this machine.

GET /ping answers 200: the port opens when the model is loaded. POST /invocations takes the bytes of one image and
answers verdict and detections as a device gives them, or 4xx with one line. PyTorch is not needed.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sightline.vision import release
from sightline.vision.decode import UndecodableImageError
from sightline.vision.detector import Detector

MAX_BODY = 6 * 1024 * 1024  # bytes; SageMaker takes no larger request


class Requests(BaseHTTPRequestHandler):
    """SageMaker's two requests."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/ping" else 404, {})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/invocations":
            self.refuse(404, "send the image to /invocations")
        elif not length.isdecimal():
            self.refuse(411, "Content-Length is missing")
        elif int(length) > MAX_BODY:
            self.refuse(413, f"the body has {length} bytes; at most {MAX_BODY} are taken")
        else:
            self.judge(self.rfile.read(int(length)))

    def judge(self, body: bytes) -> None:
        try:
            with self.server.lock:
                judged = self.server.detector.judge(body)
        except UndecodableImageError as error:
            self.answer(400, {"message": f"the image can't be read: {error}"})
        else:
            self.answer(200, {"training_job": self.server.detector.model.get("training_job", ""), **judged})

    def refuse(self, status: int, message: str) -> None:
        self.close_connection = True  # the body was not read, and is no next request
        self.answer(status, {"message": message})

    def answer(self, status: int, value: Mapping[str, object]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self.path != "/ping":  # SageMaker asks for it all the time
            super().log_request(code, size)


class Server(ThreadingHTTPServer):
    """One model; one image at a time is decoded, so that the memory is known, while /ping is answered."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int, host: str = "") -> None:
        self.detector: Detector = release.load(lambda name: (folder / name).read_bytes(), threads=os.cpu_count() or 1)
        self.lock = threading.Lock()
        super().__init__((host, port), Requests)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container gets none by default
    folder = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    Server(folder, int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))).serve_forever()


if __name__ == "__main__":
    main()
