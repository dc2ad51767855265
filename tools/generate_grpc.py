"""Makes Python of api/grpc/order.proto: `python tools/generate_grpc.py`. A test makes it anew, and compares."""

import argparse
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "src" / "aeromatch" / "gateways" / "grpc" / "generated"
NAMES = ("order_pb2.py", "order_pb2.pyi")


def generate(directory: Path) -> None:
    """Writes what protoc makes into a directory."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            "protoc",
            # Its name is that of its package, as others who import it expect.
            f"--proto_path=aeromatch/v1={ROOT / 'api' / 'grpc'}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            f"--python_out={folder}",
            f"--pyi_out={folder}",
            "aeromatch/v1/order.proto",
        ]
        if protoc.main(arguments):
            raise SystemExit("protoc refused api/grpc/order.proto")
        for name in NAMES:
            (directory / name).write_bytes((Path(folder) / "aeromatch" / "v1" / name).read_bytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=GENERATED)
    generate(parser.parse_args().directory)
