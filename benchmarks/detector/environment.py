"""YOLOv8n's own environment: Ultralytics is AGPL-3.0, so the project's environment never has it."""

import os
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("yolov8n.txt")
CACHE = REQUIREMENTS.parent.parent / ".cache" / "yolov8n"
GIVEN = "SIGHTLINE_YOLO_PYTHON"  # names an interpreter that has the packages already


def python() -> str:
    """An interpreter with the packages of yolov8n.txt; made at the first call, which downloads some 3 GB."""
    if given := os.environ.get(GIVEN):
        return given
    ready = CACHE / REQUIREMENTS.name
    interpreter = str(CACHE / "bin" / "python")
    if not ready.is_file() or ready.read_text() != REQUIREMENTS.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(CACHE)], check=True)
        subprocess.run([interpreter, "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)], check=True)
        ready.write_text(REQUIREMENTS.read_text())
    return interpreter
