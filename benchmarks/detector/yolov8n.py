"""YOLOv8n from scratch on one fold; runs in an environment of its own (yolov8n.txt) that has Ultralytics, never in
ours.

    python yolov8n.py FOLD_FOLDER SEED EPOCHS

FOLD_FOLDER holds `yolo/data.yaml`. Writes `yolo/<seed>/best.onnx` and `yolo/<seed>/result.json`: seconds of training
and the detections on the test images, which the benchmark measures with the project's own metrics.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ["YOLO_OFFLINE"] = "true"

from ultralytics import YOLO, settings
from ultralytics.utils import torch_utils

# Ultralytics leaves a core idle; both trainings get all that this process may use.
torch_utils.NUM_THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

IMAGE_SIZE, BATCH = 480, 16
FLOOR = 0.001  # Ultralytics' own for validation


def main(folder: Path, seed: int, epochs: int) -> None:
    settings.update({"sync": False})
    target = folder / "yolo" / str(seed)
    model = YOLO("yolov8n.yaml")
    start, used = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    model.train(
        data=str(folder / "yolo" / "data.yaml"),
        epochs=epochs,
        imgsz=IMAGE_SIZE,
        batch=BATCH,
        seed=seed,
        device="cpu",
        pretrained=False,
        plots=False,
        workers=0,  # a worker process beside two threads only slows two cores
        project=str(target),
        name="run",
        exist_ok=True,
        verbose=False,
    )
    seconds, now = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
    best = YOLO(str(target / "run" / "weights" / "best.pt"))
    found = {}
    for path in sorted((folder / "yolo" / "images" / "test").iterdir()):
        boxes = best.predict(
            str(path), imgsz=IMAGE_SIZE, conf=FLOOR, iou=0.7, max_det=300, device="cpu", verbose=False
        )[0].boxes
        found[path.name] = {
            "boxes": boxes.xyxy.tolist(),
            "scores": boxes.conf.tolist(),
            "classes": [int(number) for number in boxes.cls.tolist()],
        }
    exported = Path(best.export(format="onnx", imgsz=IMAGE_SIZE, device="cpu"))
    exported.replace(target / "best.onnx")
    processor = (now.ru_utime + now.ru_stime) - (used.ru_utime + used.ru_stime)
    result = {
        "seed": seed,
        "epochs": epochs,
        "cores": torch_utils.NUM_THREADS,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "found": found,
    }
    (target / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
