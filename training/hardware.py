"""Whether a job has the GPU that its instance has.

Without a driver PyTorch trains on the CPU and says nothing, for the price of the GPU and for many times as long.
"""

import json
import re
from pathlib import Path

from sightline.errors import SightlineError

GPU_INSTANCE = re.compile(r"ml\.(g|p|gr)\d")


class MissingGpuError(SightlineError):
    """A GPU instance without CUDA."""


def check_gpu(config: Path, *, has_cuda: bool) -> None:
    """Raise MissingGpuError where SageMaker runs this job on a GPU instance and CUDA is not there.

    `config` is the folder with SageMaker's resourceconfig.json; by hand there is none, and nothing is checked.
    """
    file = config / "resourceconfig.json"
    if not file.is_file():
        return
    instance = str(json.loads(file.read_text()).get("current_instance_type", ""))
    if GPU_INSTANCE.match(instance) and not has_cuda:
        raise MissingGpuError(
            f"{instance} has a GPU, but CUDA is not available in this container; build the image from "
            "training/Dockerfile, which asks for it by NVIDIA_VISIBLE_DEVICES, or train on a CPU instance"
        )
