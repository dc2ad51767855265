"""Certificates that are made when they are needed, by the openssl command."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl command here")


@dataclass(frozen=True)
class Authority:
    """A root that signs."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "root.pem"

    def sign(self, name: str) -> tuple[Path, Path]:
        """A certificate for localhost, and its key."""
        key, request, certificate = (self.folder / f"{name}.{suffix}" for suffix in ("key", "csr", "pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("req", *EC, "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.folder / "root.key"),
            *("-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate),
        )
        return certificate, key


def openssl(*arguments: str | Path) -> str:
    assert OPENSSL is not None
    command = [OPENSSL, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def authority(folder: Path) -> Authority:
    folder.mkdir()
    key, root = folder / "root.key", folder / "root.pem"
    openssl(
        *("req", "-x509", *EC, "-nodes", "-days", "2", "-subj", "/CN=root"),
        *("-keyout", key, "-out", root),
    )
    return Authority(folder)
