"""Ground Truth jobs as CreateLabelingJob takes them: manifest, categories and page are written, workers are named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from sightline import names
from sightline.aws.objects import ObjectStore
from sightline.labelling.ground_truth import HumanTaskConfig, TaskType, categories, human_task_config
from sightline.labelling.tasks import JobKind

WORKERS = 1  # people for each image
TASKS = {
    JobKind.LABELING: (TaskType.BOUNDING_BOX, "Draw a box around each defect"),
    JobKind.VERIFICATION: (TaskType.VERIFICATION, "Verify the boxes around defects"),
}


class PreparedJob(TypedDict):
    """What CreateLabelingJob takes."""

    name: str
    manifest_uri: str
    categories_uri: str
    output_uri: str
    human_task_config: HumanTaskConfig


@dataclass(frozen=True, slots=True)
class GroundTruthJobs:
    """Prepares the jobs of a stack's rounds."""

    artifacts: ObjectStore
    stack: str  # its name; the jobs of an account have one list
    region: str
    workteam: str  # its ARN
    public_price_tenth_cents: int  # for one image; 0 keeps the public crowd out

    def prepare(
        self,
        kind: JobKind,
        job_id: str,
        number: int,
        lines: Sequence[Mapping[str, object]],
        words: Sequence[str],
        page: bytes,
    ) -> PreparedJob:
        """Write the files of the job of round `number`, of which workers answer each of `lines` with `words`.

        `page` is the Liquid template that workers see. Raise GroundTruthError where Ground Truth can't do it.
        """
        task, title = TASKS[kind]
        prefix = names.round_prefix(job_id, number) + f"{kind}-job/"
        config = human_task_config(
            task,
            region=self.region,
            workteam=self.workteam,
            template_uri=self.artifacts.write(prefix + "task.liquid.html", page, "text/html"),
            title=title,
            workers=WORKERS,
            public_price_tenth_cents=self.public_price_tenth_cents,
        )
        return {
            "name": names.job_of_stack(self.stack, f"{job_id}-{kind}-{number}"),
            "manifest_uri": self.artifacts.write_lines(prefix + "input.manifest", lines),
            "categories_uri": self.artifacts.write_json(prefix + "categories.json", categories(words)),
            "output_uri": self.artifacts.uri(prefix + "output/"),
            "human_task_config": config,
        }
