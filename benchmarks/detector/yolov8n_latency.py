"""YOLOv8n's ONNX path, image by image; runs in an environment of its own (yolov8n.txt) that has Ultralytics, never in
ours.

    python yolov8n_latency.py FOLDER

Exports an untrained network at 480 pixels into FOLDER, since weights don't change the time. Then for each line on
standard input, an image's path, answers with the milliseconds of `cv2.imdecode` and `predict`; one CPU core is the
caller's affair.
"""

import os
import sys
import time
from pathlib import Path

os.environ["YOLO_OFFLINE"] = "true"

import cv2
import numpy as np
import onnxruntime
import torch
from ultralytics import YOLO, settings

IMAGE_SIZE = 480


start_session = onnxruntime.InferenceSession.__init__


def start_on_one_thread(
    session: onnxruntime.InferenceSession,
    place: str,
    options: onnxruntime.SessionOptions | None = None,
    **more: object,
) -> None:
    """onnxruntime takes a thread for each core of the machine, which would fight for the one core that all get here."""
    options = options or onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    start_session(session, place, options, **more)


onnxruntime.InferenceSession.__init__ = start_on_one_thread


def main(folder: Path) -> None:
    settings.update({"sync": False})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    place = folder / "yolov8n.onnx"
    if not place.is_file():
        Path(YOLO("yolov8n.yaml").export(format="onnx", imgsz=IMAGE_SIZE, device="cpu")).replace(place)
    model = YOLO(str(place), task="detect")
    model.predict(np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8), imgsz=IMAGE_SIZE, device="cpu", verbose=False)
    print("ready", flush=True)
    for line in sys.stdin:
        body = Path(line.strip()).read_bytes()
        start = time.perf_counter()
        image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
        model.predict(image, imgsz=IMAGE_SIZE, device="cpu", verbose=False)
        print((time.perf_counter() - start) * 1000, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
