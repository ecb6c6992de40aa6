"""Import time of every function beside bare boto3, with its layers as Lambda has them.

Medians and 95th percentiles with the number of runs. Results go to benchmarks/results/ with the machine described.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import NotRequired, TypedDict

import boto3
from rich.table import Table

from benchmarks.common import ROOT, Summary, cells, finish, summary, table
from sightline.rollout.decisions import Limits

RUNS = 9
BARE = "bare boto3"
LIMIT = 1.5  # times bare boto3, of a function that opens no image
RUNTIME = ("boto3", "botocore", "s3transfer", "dateutil", "jmespath", "six.py", "urllib3")
TIME_IMPORT = "import time; start = time.perf_counter(); import {module}; print((time.perf_counter() - start) * 1000)"
READ_TEMPLATE = """
import json
from samtranslator.yaml_helper import yaml_parse
given = yaml_parse(open("template.yaml").read())
functions, layers = {}, {}
for name, resource in given["Resources"].items():
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Serverless::LayerVersion":
        layers[name] = properties["ContentUri"]
    if resource["Type"] == "AWS::Serverless::Function":
        used = ["SightlineLayer", *(layer["Ref"] for layer in properties.get("Layers", []))]
        variables = list(properties.get("Environment", {}).get("Variables", {}))
        functions[properties["CodeUri"].strip("/").split("/")[-1]] = {"layers": used, "variables": variables}
print(json.dumps({"functions": functions, "layers": layers}))
"""


class Function(TypedDict):
    """A function of template.yaml."""

    layers: list[str]
    variables: list[str]  # the names of its settings


class Template(TypedDict):
    """What template.yaml says of functions, by the names of their folders, and of layers: where their content lies."""

    functions: dict[str, Function]
    layers: dict[str, str]


class Start(TypedDict):
    """The import of one function."""

    import_ms: Summary
    ratio: float  # to bare boto3
    needs: str
    unzipped_mb: NotRequired[float]


class Starts(TypedDict):
    """benchmarks/results/starts.json."""

    functions: dict[str, Start]


def template() -> Template:
    """Return the functions and layers of template.yaml."""
    read = [sys.executable, "-c", READ_TEMPLATE]
    found: Template = json.loads(subprocess.run(read, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return found


def build(layers: dict[str, str], folder: Path) -> dict[str, Path]:
    """Build each layer as `sam build` does, in a folder of its own. Return where its packages lie."""
    for name, content in layers.items():
        given = [f"ARTIFACTS_DIR={folder / name}", "SIGHTLINE_NATIVE=1", f"PYTHON={sys.executable}"]
        subprocess.run(["make", f"build-{name}", *given], cwd=ROOT / content, check=True, stdout=subprocess.DEVNULL)
    return {name: folder / name / "python" for name in layers}


def measure(folder: Path) -> dict[str, Start]:
    """Return import time in milliseconds, its ratio to bare boto3, and unzipped size in MB of every function.

    Beside its layers a function finds boto3 and what that needs, as in the Lambda runtime, and nothing else of this
    environment: OpenSSL or awscrt beside botocore would be imported by it. A round imports bare boto3 and each
    function once, so that what slows the machine down for a while slows both.
    """
    given = template()
    built, runtime = build(given["layers"], folder), folder / "runtime"
    runtime.mkdir()
    for name in RUNTIME:
        (runtime / name).symlink_to(Path(boto3.__file__).parent.parent / name)
    folders = sorted(path.parent for path in (ROOT / "functions").glob("*/app.py"))
    layers = {folder: [built[name] for name in given["functions"][folder.name]["layers"]] for folder in folders}
    bare: list[float] = []
    times: dict[Path, list[float]] = {folder: [] for folder in folders}
    for _ in range(RUNS):
        bare.append(import_ms("boto3", runtime, [runtime], {}))
        for each in folders:
            settings = variables(given["functions"][each.name]["variables"])
            times[each].append(import_ms("app", each, [*layers[each], runtime], settings))
    found: dict[str, Start] = {BARE: {"import_ms": summary(bare), "ratio": 1.0, "needs": "boto3"}}
    for each in folders:
        opens_images = {"ImagingLayer", "OnnxLayer"} & set(given["functions"][each.name]["layers"])
        places = [each, *layers[each]]
        size = sum(file.stat().st_size for place in places for file in place.rglob("*") if file.is_file())
        found[each.name] = {
            "import_ms": summary(times[each]),
            "ratio": round(statistics.median(times[each]) / statistics.median(bare), 2),
            "needs": "numpy, Pillow" + (", onnxruntime" if "OnnxLayer" in opens_images else "")
            if opens_images
            else "boto3",
            "unzipped_mb": round(size / 1e6, 1),
        }
    return found


def variables(names: list[str]) -> dict[str, str]:
    """Return values that a function's settings can be made of."""
    arn = "arn:aws:iot:us-east-1:123456789012:thinggroup/devices"
    return {name: arn if name.endswith("_ARN") else "1" for name in names} | {
        "HYPERPARAMETERS": "{}",
        "MACHINES": "{}",
        "ROLLOUT_LIMITS": json.dumps(dict.fromkeys((field.name for field in fields(Limits)), 1)),
    }


def import_ms(module: str, folder: Path, places: list[Path], given: dict[str, str]) -> float:
    """Return how long a new process needs to import a module, with nothing but `places` to find others in."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "PYTHONDONTWRITEBYTECODE": "1",  # as in Lambda, where layers are read-only
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_METRICS_NAMESPACE": "Sightline",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",  # as Lambda sets it
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", TIME_IMPORT.format(module=module)],
        cwd=folder,
        env=environment | given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{folder.name} can't be imported: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def shown(result: Starts) -> list[Table | str]:
    rows = table("function", "needs", "import, median ms", "p95 ms", "runs", "times bare boto3", "unzipped MB")
    entries = result["functions"]
    for name in sorted(entries, key=lambda name: (entries[name]["needs"], name != BARE, name)):
        entry = entries[name]
        rows.add_row(
            name,
            entry["needs"],
            *cells(entry["import_ms"], ".0f"),
            f"{entry['ratio']:.2f}",
            str(entry.get("unzipped_mb", "-")),
        )
    missing = sorted({path.parent.name for path in (ROOT / "functions").glob("*/app.py")} - entries.keys())
    plain = [entry["ratio"] for entry in entries.values() if entry["needs"] == "boto3"]
    return [
        rows,
        *([f"Not measured yet: {', '.join(missing)}."] if missing else []),
        f"Functions that open no image take at most {max(plain):.2f} times as long as bare boto3; limit: {LIMIT}.",
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder))
    finish("starts", Starts(functions=measured), shown)
    over = [name for name, entry in measured.items() if entry["needs"] == "boto3" and entry["ratio"] > LIMIT]
    if over:
        sys.exit(f"more than {LIMIT} times bare boto3: {', '.join(over)}")


if __name__ == "__main__":
    main()
