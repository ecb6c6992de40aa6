"""An example of each command, which its help shows, and the reference too."""

import typer

EXAMPLES = {
    "up": "sightline up --parameter Classes=scratch,dent",
    "open": "sightline open",
    "down": "sightline down --yes",
    "demo": "sightline demo --images photos --labels labels.json",
    "status": "sightline status --watch",
    "logs": "sightline logs -f --training latest",
    "doctor": "sightline --stack line-3 doctor",
    "verify": "sightline --stack line-3 verify --device camera-1",
    "remove": "sightline --stack line-3 remove --everything",
    "adopt": "sightline --stack line-3 adopt",
    "upload": "sightline upload photos/",
    "sweep": "sightline sweep",
    "annotate": "sightline annotate --labels labels.json --error-rate 0.1",
    "train": "sightline train --hyperparameter epochs=100 --hyperparameter image_size=512",
    "approve": "sightline approve 7 --reason 'no escape on the test set'",
    "predict": "sightline predict part.jpg",
    "score": "sightline score --prefix incoming/line-3/ --out predictions",
    "models": "sightline models",
    "models list": "sightline models list --json",
    "models promote": "sightline --stack staging models promote 7 --to prod",
    "models import": "sightline models import best.onnx --photo part.jpg --dry-run",
    "runs cancel": "sightline runs cancel window-1796058273835",
    "dataset list": "sightline dataset list",
    "dataset show": "sightline dataset show latest",
    "dataset diff": "sightline dataset diff 7c3b93b0 latest",
    "dataset export": "sightline dataset export dataset/ --version latest",
    "dataset report": "sightline dataset report --out dataset.html",
    "labels import": "sightline labels import labels.json --format coco --dry-run",
    "labels export": "sightline labels export approved labels/ --format yolo",
    "device list": "sightline device list",
    "device show": "sightline device show camera-1",
    "device logs": "sightline device logs camera-1 --lines 200",
    "device rollback": "sightline device rollback --reason 'false alarms since noon'",
    "device publish": "sightline device publish",
    "device provision": "sightline --stack line-3 device provision camera-1 --canary",
    "device remove": "sightline --stack line-3 device remove camera-1",
    "device start": "sightline device start camera-1",
    "device stop": "sightline device stop camera-1",
    "user add": "sightline user add eve --engineer",
    "cost idle": "sightline cost idle --prices eu-central-1",
    "cost estimate": "sightline cost estimate --images 500 --devices 4",
    "cost used": "sightline --stack line-3 cost used --days 7",
}


def give(app: typer.Typer, before: str = "") -> None:
    """Give each command of an application its example."""
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        command.epilog = told(before + name)
    for group in app.registered_groups:
        if group.typer_instance:
            inner = f"{before}{group.name} " if group.name else before
            give(group.typer_instance, inner)
            if inner.strip() in EXAMPLES and group.name:
                group.epilog = told(inner.strip())


def told(name: str) -> str | None:
    return f"Example: {EXAMPLES[name]}" if name in EXAMPLES else None
