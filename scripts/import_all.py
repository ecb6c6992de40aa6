"""Import every module of the product: a missing name or an import circle shows in seconds, without a test."""

import importlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    ROOT / "layers" / "sightline": ["sightline"],
    ROOT: ["benchmarks", "cli", "client", "edge", "local", "pipelines", "reporting", "training"],
}
RUN_ELSEWHERE = {"benchmarks.detector.yolov8n", "benchmarks.detector.yolov8n_latency"}  # with Ultralytics, not ours


def modules() -> list[str]:
    """Return the names of all modules, without `__main__`, which would run."""
    found = []
    for root, packages in PACKAGES.items():
        for package in packages:
            for file in sorted((root / package).rglob("*.py")):
                parts = file.relative_to(root).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                if parts[-1] != "__main__" and name not in RUN_ELSEWHERE:
                    found.append(name)
    return found


def main() -> None:
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    sys.path[:0] = [str(root) for root in PACKAGES]
    failed = []
    names = modules()
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # whatever a module does when imported is what this looks for
            failed.append(f"{name}: {type(error).__name__}: {error}")
    if failed:
        sys.exit("\n".join(failed))
    print(f"{len(names)} modules can be imported.")


if __name__ == "__main__":
    main()
