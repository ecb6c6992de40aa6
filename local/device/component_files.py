"""The files of the components of one device: artifacts, work folders, settings and logs."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from local.device.component import Component, DeploymentFailedError
from local.device.recipe import Artifact


class ComponentFiles:
    """The files below a device's folder `root`, laid out as a real nucleus does."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def log(self, component: Component) -> Path:
        path = self.root / "logs" / f"{component.name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def work(self, component: Component) -> Path:
        """Return the folder in which a component's scripts run."""
        path = self.work_path(component)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def work_path(self, component: Component) -> Path:
        """Return where `work` is, whether it exists or not."""
        return self.root / "work" / component.name

    def artifacts(self, component: Component) -> Path:
        """Return the folder of a component's downloads."""
        return self._packages("artifacts", component)

    def unpacked(self, component: Component) -> Path:
        """Return the folder of a component's unpacked downloads."""
        return self._packages("artifacts-unarchived", component)

    def _packages(self, kind: str, component: Component) -> Path:
        return self.root / "packages" / kind / component.name / component.version

    def fetch(self, component: Component, artifact: Artifact, download: Callable[[str], bytes]) -> None:
        """Download one artifact unless it is there, check its digest, and unpack it. Raise DeploymentFailedError."""
        uri = artifact["Uri"]
        path = self.artifacts(component) / Path(urlsplit(uri).path).name
        if not (path.is_file() and digest(path.read_bytes()) == artifact.get("Digest")):
            try:
                body = download(uri)
            except LookupError as error:
                raise DeploymentFailedError(
                    f"{component.name} {component.version}: {uri} can't be downloaded: {error}"
                ) from error
            if digest(body) != artifact.get("Digest", digest(body)):
                raise DeploymentFailedError(
                    f"{component.name} {component.version}: {uri} is not what the component was created with: "
                    f"its SHA-256 is {hashlib.sha256(body).hexdigest()}"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        if artifact.get("Unarchive") == "ZIP":
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
                archive.extractall(self.unpacked(component) / path.stem)

    def settings(self, component: Component) -> Path:
        """Return the file from which a component without Greengrass IPC reads its configuration."""
        return self.root / "settings" / f"{component.name}.json"

    def write_settings(self, component: Component) -> None:
        """Replace the settings as a whole, and only when they change."""
        path, text = self.settings(component), json.dumps(component.settings, sort_keys=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text() != text:
            new = path.with_suffix(".new")
            new.write_text(text)
            new.replace(path)


def digest(body: bytes) -> str:
    """Return the SHA-256 as Greengrass writes it into a recipe."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()
