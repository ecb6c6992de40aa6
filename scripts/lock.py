"""Lock every package with the hashes of its files: `make lock`, after a change of versions in pyproject.toml.

Versions stay as they are locked unless pyproject.toml or the file of a layer, the device or the training image asks for
others; `--upgrade` takes the newest that fit. Each lock holds for Linux (x86-64, arm64) and macOS, Python 3.11 to 3.13,
those of devices from Python 3.9 on.

    requirements.lock        what `make demo` needs, without PyTorch
    requirements-dev.lock    what tests and checks need beside it
    requirements-torch.lock  PyTorch alone, because TORCH_INDEX_URL may name another build of it; on Linux with CUDA
    requirements-torch-cpu.lock  the CPU build for Linux, taken where pip finds it
    requirements-checkov.lock  a checker of the templates, in an environment of its own
    requirements-cuda.lock   what PyTorch's CUDA build needs beside it, on Linux
    edge/wheels.json         the file names of the devices' wheels, which a test holds against their systems
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Files of PyTorch's CPU build for Linux, which the package index does not have but a folder of wheels may.
CPU_BUILDS = {"2.13.0": ["6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"]}
CUDA = re.compile(r"(cuda|nvidia|triton)\b")
# What is installed elsewhere than in the project's environment, and what it starts from.
ELSEWHERE = {
    "layers/imaging/requirements.txt": ["numpy", "pillow"],
    "layers/onnx/requirements.txt": ["numpy", "onnxruntime", "pillow"],
    "layers/sightline/requirements.txt": ["aws-lambda-powertools"],
    "training/requirements.txt": ["numpy", "onnx", "onnxruntime", "pillow", "torch"],
    "edge/requirements.txt": ["awsiotsdk==1.31.0", "numpy", "onnxruntime", "pillow"],
    "edge/requirements-video.txt": ["opencv-python-headless"],
    "requirements-checkov.lock": ["checkov==3.3.30"],
}
APART = "requirements-checkov.lock"  # of its own versions, which may not be the project's
DEVICES = (
    "edge/"  # the systems of devices have Python 3.9 to 3.13, and what is pinned here has no wheels for 3.9 and 3.10
)
WHEELS = "edge/wheels.json"
OLDEST = {True: "3.9", False: "3.11"}  # whether for a device
NOT_THERE = {
    "layers/sightline/requirements.txt": set(),
    "edge/requirements-video.txt": {"numpy"},  # requirements.txt has it
}

Entries = dict[str, str]


def pinned() -> dict[str, str]:
    """Return the direct requirements of the project, by name: `numpy` to `numpy==2.4.6`."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    texts = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["build-system"]["requires"],
        *(one for e in extras for one in e),
    ]
    return {re.split(r"[\[=]", text)[0].lower(): text for text in texts}


def entries(text: str) -> Entries:
    """Return the entries of a lock by name, each with its hashes; without comments and what only Windows needs."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found: Entries = {}
    for entry in re.split(r"\n(?=\S)", "\n".join(lines)):
        if entry.strip() and "sys_platform == 'win32'" not in entry:
            name = entry.split("==")[0].lower()
            found[name] = f"{found[name]}\n{entry}" if name in found else entry  # one for some Pythons, one for others
    return found


def for_devices(requirement: str) -> list[str]:
    """Return the requirement as it is for this project's Pythons, and in any version for the older ones."""
    name = requirement.split("==")[0]
    return [f"{requirement} ; python_version >= '{OLDEST[False]}'", f"{name} ; python_version < '{OLDEST[False]}'"]


def resolve(requirements: list[str], known: str, *, upgrade: bool, oldest: str = OLDEST[False]) -> Entries:
    """Return what these requirements install, with everything that they need. `known` holds the versions to keep."""
    work = ROOT / "build"
    work.mkdir(exist_ok=True)
    (work / "lock.in").write_text("\n".join(requirements) + "\n")
    (work / "lock.txt").write_text("" if upgrade else known)  # uv keeps the versions of the file that it writes
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", oldest, "--generate-hashes"]
    done = subprocess.run([*command, "--output-file", "lock.txt", "lock.in"], cwd=work, check=False)
    if done.returncode:
        sys.exit("The versions do not fit together, or the package index did not answer; uv's lines above say which.")
    return entries((work / "lock.txt").read_text())


def write(file: str, about: str, locked: Entries) -> None:
    lines = [f"# {about}", "# Made by `make lock`; do not edit.", *(locked[name] for name in sorted(locked))]
    (ROOT / file).write_text("\n".join(lines) + "\n")
    print(f"{file}: {len(locked)} packages")


def known(*files: str) -> str:
    return "".join((ROOT / file).read_text() for file in files if (ROOT / file).exists())


def lock_project(*, upgrade: bool) -> None:
    files = [f"requirements{name}.lock" for name in ("", "-dev", "-torch", "-cuda")]
    extras = PROJECT["project"]["optional-dependencies"]
    to_run = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["build-system"]["requires"],
        *extras["local"],
        *extras["train"],
    ]
    everything = resolve([*to_run, *extras["dev"]], known(*files), upgrade=upgrade)
    pins = "\n".join(everything.values())
    run = resolve(to_run, pins, upgrade=False)
    torch = {"torch": run["torch"]}
    version = run["torch"].split()[0].removeprefix("torch==")
    cpu = {"torch": f"torch=={version}+cpu" + "".join(f" \\\n    --hash=sha256:{one}" for one in CPU_BUILDS[version])}
    cuda = {name: entry for name, entry in everything.items() if CUDA.match(name)}
    apart = torch.keys() | cuda.keys()
    write(files[0], "What `make demo` needs, without PyTorch.", {k: v for k, v in run.items() if k not in apart})
    dev = {k: v for k, v in everything.items() if k not in run.keys() | apart}
    write(files[1], "What tests and checks need beside requirements.lock.", dev)
    write(files[2], "PyTorch as the package index has it: on Linux the CUDA build.", torch)
    write("requirements-torch-cpu.lock", "PyTorch's CPU build for Linux, taken where pip finds it.", cpu)
    write(files[3], "What PyTorch's CUDA build needs beside it, on Linux.", cuda)


def lock_elsewhere(*, upgrade: bool) -> None:
    direct = pinned()
    base = known("requirements.lock", "requirements-dev.lock", "requirements-torch.lock", "requirements-cuda.lock")
    for file, names in ELSEWHERE.items():
        # The device's SDK wants another awscrt than boto3's does: there the file's own version counts.
        device = file.startswith(DEVICES)
        asked = [direct.get(name, name) for name in names]
        if device:
            asked = [one for requirement in asked for one in for_devices(requirement)]
        own = device or file == APART
        keep = known(file) if own else base
        locked = resolve(asked, keep, upgrade=upgrade and own, oldest=OLDEST[device])
        left_out = NOT_THERE.get(file, set())
        write(file, ABOUT[file], {name: entry for name, entry in locked.items() if name not in left_out})


ABOUT = {
    "layers/imaging/requirements.txt": "For functions that open an image.",
    "layers/onnx/requirements.txt": "For functions that run the model.",
    "layers/sightline/requirements.txt": (
        "Complete: installed without dependencies, so that boto3 and botocore come from the Lambda runtime alone. A "
        "botocore\n# in the layer beside the runtime's boto3 would be 30 MB that every cold start pays for, and two "
        "versions that may not fit."
    ),
    "training/requirements.txt": "The training image.",
    "edge/requirements.txt": "The inspector's own environment on a device: installed as wheels, nothing resolved.",
    "requirements-checkov.lock": "What scripts/check_accepted.py installs beside the project's environment.",
    "edge/requirements-video.txt": "For video files, cameras and streams: installed where the setting `video` is true.",
}


def lock_wheels() -> None:
    """Write which wheels for Linux the hashes of the devices' locks belong to, by what uv knows of the index."""
    files = [ROOT / file for file in ELSEWHERE if file.startswith(DEVICES)]
    pinned = [line.removesuffix(" \\") for file in files for line in file.read_text().splitlines() if "==" in line]
    work = ROOT / "build"
    (work / "wheels.in").write_text("\n".join(pinned) + "\n")
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", OLDEST[True], "--no-deps"]
    done = subprocess.run([*command, "--output-file", "pylock.toml", "wheels.in"], cwd=work, check=False)
    if done.returncode:
        sys.exit("The package index did not say which wheels there are; uv's lines above say why.")
    packages = tomllib.loads((work / "pylock.toml").read_text())["packages"]
    wheels = {wheel["hashes"]["sha256"]: wheel["url"].rsplit("/", 1)[-1] for one in packages for wheel in one["wheels"]}
    kept = {digest: name for digest, name in wheels.items() if re.search(r"-(any|.*manylinux.*)\.whl$", name)}
    ordered = dict(sorted(kept.items(), key=lambda item: item[1]))
    (ROOT / WHEELS).write_text(json.dumps(ordered, indent=1) + "\n")
    print(f"{WHEELS}: {len(ordered)} wheels")


def main() -> None:
    parser = argparse.ArgumentParser(description="Lock every package with the hashes of its files.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    given = parser.parse_args()
    lock_project(upgrade=given.upgrade)
    lock_elsewhere(upgrade=given.upgrade)
    lock_wheels()


if __name__ == "__main__":
    main()
