"""The folder with which the nucleus is installed on a device: its key, its certificate, and its configuration."""

import json
import shutil
import ssl
import time
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Self

import yaml

from sightline.errors import SightlineError

STATE, KEY, CERTIFICATE, ROOT = "device.json", "private.pem.key", "device.pem.crt", "AmazonRootCA1.pem"
CONFIG, INSTALL = "config.yaml", "install.sh"
IGNORED = ".gitignore"  # of everything: made in a checkout, the key must not become part of a commit
NUCLEUS_ROOT = "/greengrass/v2"
AMAZON_ROOT_1 = "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e"  # SHA-256 of the certificate
SCRIPT = Path(__file__).resolve().parent.parent / "edge" / "nucleus" / INSTALL


class FolderError(SightlineError):
    """A folder can't be that of a device."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What `device.json` says: whose folder this is, and when it was made, in seconds since 1970.

    `certificate_id` is empty before there is one.
    """

    thing: str
    stack: str
    made_at: int
    certificate_id: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a device connects to, and with which role alias it gets keys."""

    region: str
    data_endpoint: str
    credentials_endpoint: str
    role_alias: str


class DeviceFolder:
    """The folder of one device, readable by its owner alone. Each file is written whole or not at all."""

    def __init__(self, path: Path, kept: Kept) -> None:
        self.path = path
        self.kept = kept

    @classmethod
    def open(cls, path: Path, thing: str, stack: str) -> Self:
        """Return the folder of this device, made when it is not there. Raise FolderError when it is another's."""
        kept = cls.read(path)
        if kept and (kept.thing, kept.stack) != (thing, stack):
            raise FolderError(f"{path} is the folder of {kept.thing} of stack {kept.stack}; name another with --folder")
        if not kept and path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise FolderError(f"{path} is there already, with other content; name another with --folder")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        made = cls(path, kept or Kept(thing, stack, int(time.time())))
        made._write(IGNORED, b"*\n", 0o600)
        made._keep(made.kept)
        return made

    @staticmethod
    def read(path: Path) -> Kept | None:
        """Return whose folder this is; None when it is no device's. Raise FolderError when it can't be told."""
        try:
            return Kept(**json.loads((path / STATE).read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise FolderError(f"{path / STATE} can't be read: {error}; name another folder with --folder") from error

    def signing_request(self) -> str:
        """Return a request for a certificate of this folder's key, which is made when it is not there.

        The key is RSA with 2,048 bits in the form that AWS IoT's own keys have, which every nucleus reads.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        if not self._file(KEY).is_file():
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            text = made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
            self._write(KEY, text, 0o600)
        key = serialization.load_pem_private_key(self._file(KEY).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.kept.thing[:64])])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode()

    def keep_certificate(self, certificate_id: str, pem: str) -> None:
        """Write the certificate of this folder's key."""
        self._write(CERTIFICATE, pem.encode(), 0o600)
        self._keep(replace(self.kept, certificate_id=certificate_id))

    def forget_certificate(self) -> None:
        """Remove a certificate that there is no more, and its key."""
        self._keep(replace(self.kept, certificate_id=""))
        for name in (CERTIFICATE, KEY):
            self._file(name).unlink(missing_ok=True)

    @property
    def is_whole(self) -> bool:
        """Whether key and certificate are both there."""
        return self._file(KEY).is_file() and self._file(CERTIFICATE).is_file()

    def complete(self, connection: Connection, root_certificate: str) -> None:
        """Write what the nucleus needs beside key and certificate, and the script that installs it."""
        self._write(ROOT, root_certificate.encode(), 0o600)
        self._write(CONFIG, nucleus_configuration(self.kept.thing, connection).encode(), 0o600)
        self._write(INSTALL, SCRIPT.read_bytes(), 0o700)

    def remove(self) -> None:
        """Remove the files of this folder, and the folder when nothing else is in it."""
        for name in (KEY, CERTIFICATE, ROOT, CONFIG, INSTALL, STATE, IGNORED):
            self._file(name).unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def _file(self, name: str) -> Path:
        return self.path / name

    def _keep(self, kept: Kept) -> None:
        self._write(STATE, json.dumps(asdict(kept), indent=1).encode(), 0o600)
        self.kept = kept

    def _write(self, name: str, body: bytes, mode: int) -> None:
        new = self._file(f"{name}.new")
        new.touch(mode=mode)
        new.chmod(mode)
        new.write_bytes(body)
        shutil.move(new, self._file(name))


def nucleus_configuration(thing: str, connection: Connection) -> str:
    """Return the nucleus's `config.yaml`. `install.sh` fills in the version of the nucleus that it installs."""
    nucleus = {
        "awsRegion": connection.region,
        "iotRoleAlias": connection.role_alias,
        "iotDataEndpoint": connection.data_endpoint,
        "iotCredEndpoint": connection.credentials_endpoint,
        "mqtt": {"spooler": {"storageType": "Disk"}},
    }
    system = {
        "certificateFilePath": f"{NUCLEUS_ROOT}/{CERTIFICATE}",
        "privateKeyPath": f"{NUCLEUS_ROOT}/{KEY}",
        "rootCaPath": f"{NUCLEUS_ROOT}/{ROOT}",
        "rootpath": NUCLEUS_ROOT,
        "thingName": thing,
    }
    services = {
        "aws.greengrass.Nucleus": {
            "componentType": "NUCLEUS",
            "version": "NUCLEUS_VERSION",
            "configuration": nucleus,
        }
    }
    return yaml.safe_dump({"system": system, "services": services}, sort_keys=False)


def amazon_root_certificate() -> str:
    """Return Amazon Root CA 1 out of botocore's bundle, found by its digest. Raise FolderError."""
    import botocore

    bundle = (Path(botocore.__file__).parent / "cacert.pem").read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    for part in bundle.split(begin)[1:]:
        pem = begin + part.split(end)[0] + end + "\n"
        if sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() == AMAZON_ROOT_1:
            return pem
    raise FolderError("botocore's certificates have no Amazon Root CA 1; install another version of botocore")
