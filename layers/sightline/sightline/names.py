"""Where things lie and what they are called: the one place that builds object keys and AWS names."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sightline.errors import SightlineError

LABEL_ATTRIBUTE: Final = "defects"
INCOMING = "incoming/"
QUARANTINE = "quarantine/"
RENDITIONS = "renditions/"
IMPORTS = "training/imports/"
DOCTOR = "doctor/"  # of the artifacts bucket: what `sightline doctor` writes and erases again
LATEST_DATASET = "datasets/latest.json"
WAITING_TRAININGS = "training-image/waiting/"
LONGEST_KEY: Final = 1024  # bytes of UTF-8
LARGEST_PART: Final = 999_999  # of the three numbers of a component's version
STACK = re.compile(r"[a-z][a-z0-9-]{0,39}")


class InvalidStackNameError(SightlineError):
    """A stack can't have this name."""


@dataclass(frozen=True, slots=True)
class OwnComponents:
    """The Greengrass components of a stack. Account and region have one list of components, so they carry its name."""

    stack: str

    @property
    def inspector(self) -> str:
        return f"com.sightline.{self.stack}.Inspector"

    @property
    def model(self) -> str:
        return f"com.sightline.{self.stack}.Model"


def check_stack(name: str) -> str:
    """Return a stack's name with which everything can be named that carries it. Raise InvalidStackNameError.

    SageMaker has the shortest limits, 63 characters, and writes its ARNs in small letters, which policies don't match
    otherwise. CloudFormation itself takes more, and can't cut.
    """
    if not STACK.fullmatch(name) or "--" in name or name.endswith("-"):
        raise InvalidStackNameError(
            f"stack name {name!r}: use at most 40 small letters, digits and hyphens, a letter first, and no two "
            "hyphens together or one at the end"
        )
    return name


def device_topics(stack: str, thing: str) -> str:
    """Return what the MQTT topics of a device begin with. In the recipe, `thing` is what stands for its name there."""
    return f"sightline/{stack}/{thing}"


def short(text: str, limit: int = 63) -> str:
    """Cut `text` to `limit` characters of `[A-Za-z0-9-]`, with a hash of the whole at the end where it was cut.

    The same text always gives the same name, and two long texts with one beginning give two names.
    """
    clean = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
    if clean == text and len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{clean[: limit - 9].rstrip('-')}-{digest}".lstrip("-")


def called(paths: Mapping[str, str], *, whole: bool = False) -> dict[str, str]:
    """Return what people call images, by id: the name of the file, or where several have it, or `whole`, its path.

    Where an object was replaced, several images have one path: then the beginning of the id tells them apart.
    """
    tails = {image_id: path if whole else path.rsplit("/", 1)[-1] for image_id, path in paths.items()}
    files, places = (Counter(name.casefold() for name in known.values()) for known in (tails, paths))
    found = {}
    for image_id, path in paths.items():
        if files[tails[image_id].casefold()] == 1:
            found[image_id] = tails[image_id]
        elif places[path.casefold()] == 1:
            found[image_id] = path
        else:
            stem, dot, extension = path.rpartition(".")
            found[image_id] = f"{stem or path}-{image_id[:8]}{dot}{extension if stem else ''}".rstrip(".")
    return found


def rendition(image_id: str) -> str:
    """What the page shows of an image that a browser can't show as it is."""
    return f"{RENDITIONS}{image_id}.jpg"


def job_of_stack(stack: str, text: str) -> str:
    """Name a job of SageMaker after its stack. Two hyphens, which no stack's name has, end the stack's part: else the
    policies of `line` would also speak of the jobs of `line-dev`.
    """
    return f"{stack}--{short(text, 61 - len(stack))}"


def quarantined(image_id: str, key: str) -> str:
    """Return where an upload is set aside. A name that would be longer than S3 takes is cut, with a hash of the whole
    before its extension.
    """
    whole = f"{QUARANTINE}{image_id[:16]}/{key.removeprefix(INCOMING)}".encode()
    if len(whole) <= LONGEST_KEY:
        return whole.decode()
    _, dot, extension = key.rpartition(".")
    end = f"-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    if dot and "/" not in extension and len(extension.encode()) <= 16:
        end += dot + extension
    return whole[: LONGEST_KEY - len(end.encode())].decode(errors="ignore") + end


def round_prefix(job_id: str, number: int) -> str:
    """Folder of one labelling round; `number` starts at 1."""
    return f"labeling/{job_id}/round-{number}/"


def output_manifest(job_id: str) -> str:
    return f"labeling/{job_id}/output.manifest"


def imported_labels(name: str) -> str:
    """What `sightline labels import` brings, one execution's part."""
    return f"labeling/imports/{name}.jsonl"


def dataset_prefix(version: str) -> str:
    return f"datasets/{version}/"


def dataset_image(image_id: str, extension: str) -> str:
    return f"datasets/images/{image_id}.{extension}"


def model_archive(job: str) -> str:
    """Where SageMaker puts the output of the training job `job` when its S3OutputPath is `training/`."""
    return f"training/{job}/output/model.tar.gz"


def checkpoints_prefix(job: str) -> str:
    return f"training/{job}/checkpoints/"


def imported_model(digest: str) -> str:
    """Where a model that was trained elsewhere waits for its evaluation; `digest` is of its model, classes and
    costs.
    """
    return f"{IMPORTS}{digest}/model.tar.gz"


def imported_test_set(digest: str, version: str) -> str:
    """Where the dataset version that a promoted model was judged on lies beside it: its test and validation images."""
    return f"{IMPORTS}{digest}/{version}/"


def origin_prefix(digest: str) -> str:
    """Where the documents of a promoted model's first judgement lie beside it."""
    return f"{IMPORTS}{digest}/origin/"


def training_files(job: str) -> str:
    """Where the files of the dataset are named that the training job `job` gets: all but those of the test set."""
    return f"training/{job}/dataset.files.json"


def evaluation_prefix(job: str) -> str:
    return f"training/{job}/evaluation/"


def decision(job: str) -> str:
    return f"training/{job}/decision.json"


def successful_run(fingerprint: str) -> str:
    return f"training/runs/{fingerprint}.json"


def training_image_source(tag: str) -> str:
    """Where the archive lies from which the training image with this tag is built."""
    return f"training-image/{tag}.zip"


def waiting_training(request: str) -> str:
    """Where it is noted that a training with the input `request` (JSON) waits for its image."""
    return f"{WAITING_TRAININGS}{hashlib.sha256(request.encode()).hexdigest()[:16]}.json"


def model_prefix(job: str) -> str:
    return f"models/{job}/"


def component_prefix(component: str, version: str) -> str:
    """Return the folder of a component's artifact; `version` is the component's, or what names the content."""
    return f"components/{component}/{version}/"


def task_job(job_id: str, kind: str, number: int) -> str:
    """The job that people see for one round of `kind` (`labeling` or `verification`) of a `label_images` execution."""
    return f"{job_id}.{kind}.{number}"


def labelling_job(task_job: str) -> str:
    """Return the job of the `label_images` execution that opened a job which people see."""
    return task_job.rsplit(".", 2)[0]


def accepted_job(image_id: str) -> str:
    """The job that a label counts as which an engineer accepted from the attention list."""
    return f"accepted-{image_id[:32]}"


def predictions_prefix(run: str) -> str:
    return f"predictions/{run}/"


def shards_prefix(run: str, plan: str) -> str:
    """Folder of the lists of keys that one planning of a run has made."""
    return f"predictions/{run}/shards/{plan}/"


def predictions_part(run: str, number: int) -> str:
    """What one shard of a run is scored as; the same shard always goes to the same key."""
    return f"predictions/{run}/part-{number:05d}.jsonl"


def component_version(model_package_version: int) -> str:
    """Return the version of the model component: one for one model package, so it never changes its content.

    Greengrass takes at most 999,999 for each number, so the package of the millionth model gets 1.1.0.
    """
    if model_package_version < 1:
        raise ValueError(f"a model package version starts at 1, got {model_package_version}")
    minor, patch = divmod(model_package_version, LARGEST_PART + 1)
    return f"1.{minor}.{patch}"


def package_version(component_version: str) -> int:
    """Return the version of the model package whose component has this version."""
    _, minor, patch = component_version.split(".")
    return int(minor) * (LARGEST_PART + 1) + int(patch)
