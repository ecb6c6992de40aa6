"""The emulator's process: MiniStack with SageMaker and Greengrass added. `python -m local.emulator`, started by local/stack.py.

It ends when the process that started it ends, when that one said so (`SIGHTLINE_PARENT`), and on SIGTERM, with every
process that it started itself.
"""

import ctypes
import os
import signal
import sys

from local import callbacks, greengrass, jobs, sagemaker


def let_loopback_stand_for_tls() -> None:
    """The emulator listens on 127.0.0.1 without TLS; bucket policies that ask for TLS are to hold there as on AWS."""
    from ministack import app
    from ministack.core.iam_evaluator import pin_request_origin

    app.pin_request_origin = lambda source_ip, _secure: pin_request_origin(source_ip, True)


def die_with_parent() -> None:
    """Ask Linux to end this process with the one that started it; elsewhere `sightline down` ends it."""
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6", use_errno=True).prctl(1, signal.SIGTERM)


def main() -> None:
    if os.environ.get("SIGHTLINE_PARENT"):
        die_with_parent()
    from ministack.app import main as serve

    let_loopback_stand_for_tls()
    sagemaker.register()
    greengrass.register()
    callbacks.register()
    try:
        serve()
    finally:
        jobs.stop_all()


if __name__ == "__main__":
    main()
