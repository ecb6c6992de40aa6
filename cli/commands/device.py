"""Devices: the simulated one of this machine, and those of the fleet."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cli.progress import waiting
from cli.screen import (
    JsonOption,
    Settings,
    YesOption,
    as_table,
    confirmed,
    console,
    local_only,
    paper,
    show,
    target,
    tell_problems,
)
from sightline.errors import SightlineError

app = typer.Typer(no_args_is_help=True, help="Devices: the simulated one of this machine, and those of the fleet.")


@app.command("list")
def device_list(as_json: JsonOption = False) -> None:
    """List devices with their group, status, model, health with it, and when they were seen last, and what is wrong."""
    from client import devices

    found = devices.listed(target())
    show(found, as_json, as_table(found, ["thing", "group", "status", "model", "model_state", "healthy", "last_seen"]))
    tell_problems(found, as_json)


@app.command("show")
def device_show(thing: Annotated[str, typer.Argument(help="Name of the device.")], as_json: JsonOption = False) -> None:
    """Show one device: what runs on it, its deployments with the reasons, and what it said of each model."""
    from client import devices

    found = devices.show(target(), thing)
    if as_json:
        return show(found, True)
    out = paper()
    for name in ("thing", "group", "status", "model", "model_state", "healthy", "last_seen", "problem"):
        out.print(f"[bold]{name}[/bold] {escape(str(found[name] or '-'))}", highlight=False)
    for title, rows, columns in (
        ("deployments", found["deployments"], ["at", "deployment", "status", "reason"]),
        ("reports", found["reports"], ["at", "model", "healthy", "reason"]),
    ):
        out.print(f"[bold]{title}[/bold]")
        out.print(as_table(rows, columns) if rows else "none")
    return None


@app.command("logs")
def device_logs(
    thing: Annotated[str, typer.Argument(help="Name of the device.")],
    lines: Annotated[int, typer.Option(min=1, help="How many of each log's last lines.")] = 50,
) -> None:
    """Show the logs of a simulated device and its components; for a device on AWS, say where they are."""
    from client import devices

    if Settings.profile or Settings.stack:
        console.print(devices.logs_on_aws(target(), thing))
        return
    for path in devices.log_files(Settings.home, thing):
        console.print(str(path), style="bold")
        for line in path.read_text(errors="replace").splitlines()[-lines:]:
            print(line)


@app.command("rollback")
def device_rollback(
    version: Annotated[int, typer.Argument(min=1, help="The model to take back: that of the newest roll-out.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the roll-out.")] = "asked for by a person",
    yes: YesOption = False,
) -> None:
    """Give the devices back what they ran before a model. A running roll-out is stopped and taken back."""
    from client import devices, models

    found = target()
    confirmed(f"{models.standing(found, version)} Take it back?", yes=yes)
    with waiting("rolling back"):
        state = devices.roll_back(found, version, reason)
    if state == "RollOutStopped":
        console.print(f"Model {version}: its roll-out is stopped and takes it back.")
    else:
        console.print(f"Model {version} is taken back; {models.in_service(found)}")
    left = devices.running(found, version)
    if left:
        console.print(
            f"Still running model {version}: {devices.named(left)}. Each changes when it hears of it; "
            "`sightline device list` names those that have not."
        )


@app.command("publish")
def device_publish() -> None:
    """Package the inspector and publish it as a component version, which deployments then use."""
    from client import devices

    name, version = devices.publish_inspector(target())
    console.print(f"{name} {version} is published.")


FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", help="The device's folder; by default one of its name, here.", show_default=False),
]


@app.command("provision")
def device_provision(
    thing: Annotated[str, typer.Argument(help="Name of the device: letters, digits, _ and -.")],
    canary: Annotated[bool, typer.Option("--canary", help="In the canary group, which gets a model first.")] = False,
    folder: FolderOption = None,
) -> None:
    """Make a device's identity, and a folder that installs Greengrass on it. Run it again to continue or to move."""
    from client import provisioning

    made = provisioning.provision(target(), thing, folder or Path(thing), canary=canary)
    if not made.news:
        console.print(f"{thing} is provisioned already, in group {made.group}; its folder is {made.folder}.")
        return
    console.print(f"{thing} is provisioned, in group {made.group}. Its private key is in {made.folder}.")
    console.print(f"Copy the folder to the device and run there: sudo ./{made.folder.name}/install.sh")


@app.command("remove")
def device_remove(
    thing: Annotated[str, typer.Argument(help="Name of the device.")],
    yes: YesOption = False,
    folder: FolderOption = None,
) -> None:
    """Take a device's rights away, and delete its certificate, thing, core device and folder."""
    from client import provisioning

    found = target()
    plan = provisioning.plan_removal(found, thing, folder or Path(thing))
    if plan.is_empty:
        console.print(f"There is nothing of {thing}.")
        return
    for line in provisioning.told(plan):
        console.print(line)
    confirmed(f"Remove {thing}?", yes=yes)
    if found.endpoint is not None:
        from local.device.simulated import SimulatedDevice

        SimulatedDevice(Settings.home, thing).stop()
    provisioning.remove(found, plan)
    console.print(f"{thing} is removed. Keys that it already has are valid for at most an hour.")


@app.command("start")
def device_start(
    thing: Annotated[str, typer.Argument(help="Name of the simulated device.")] = "device-1",
    canary: Annotated[bool, typer.Option("--canary", help="In the canary group, which gets a model first.")] = False,
) -> None:
    """Start a simulated device on this machine."""
    local_only("device start")
    from local.device.simulated import SimulatedDevice
    from local.stack import load

    device, stack = SimulatedDevice(Settings.home, thing), load(Settings.home)
    device.start(stack, stack.outputs["CanaryThingGroupName"] if canary else "")
    console.print(f"{thing} runs; it inspects images that are put into {device.images}")


@app.command("stop")
def device_stop(thing: Annotated[str, typer.Argument(help="Name of the simulated device.")] = "device-1") -> None:
    """Stop a simulated device."""
    local_only("device stop")
    from local.device.simulated import SimulatedDevice

    device = SimulatedDevice(Settings.home, thing)
    if not device.known:
        raise SightlineError(
            f"no simulated device {thing!r} was started here; `sightline device list` names those there are"
        )
    device.stop()
    console.print(f"{thing} is stopped.")
