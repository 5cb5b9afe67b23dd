"""Networks of a release that would make the wheel too large.

Those of the published size stand as folders beside the wheel: in `weights/` of the source tree. The
package knows their names and the SHA-256 of their arrays (`beside_the_wheel.json`), so a folder
that was fetched by hand is checked before it is read.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

# The folder that holds them, if they are not in the source tree.
VARIABLE = "HFLUXNO_WEIGHTS"
_ARRAYS = "model.safetensors"


def checksums() -> Mapping[str, str]:
    """The SHA-256 of the arrays of every network beside the wheel, by name."""
    path = Path(__file__).with_suffix(".json")
    return json.loads(path.read_text(encoding="utf-8"))


def at_hand() -> tuple[str, ...]:
    """The names of those that are on this machine."""
    return tuple(name for name in sorted(checksums()) if (_folder(name) / _ARRAYS).is_file())


def checked_folder(name: str) -> Path:
    """The folder of a network beside the wheel. Raises `ValueError` if it is not on this machine,
    or if its arrays are not those of the release; `OSError` if a file cannot be read."""
    folder = _folder(name)
    arrays = folder / _ARRAYS
    if not arrays.is_file():
        raise ValueError(
            f"The weights {name} are not part of the installed package: fetch the folder "
            f"weights/{name} of the source tree, and set the environment variable {VARIABLE} to "
            "the folder that contains it."
        )
    with arrays.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != checksums()[name]:
        raise ValueError(
            f"{arrays} is not the file of this release (SHA-256 {found[:12]}… instead of "
            f"{checksums()[name][:12]}…): fetch it again, or, if these weights are your own, give "
            "the path of their folder."
        )
    return folder


def _folder(name: str) -> Path:
    given = os.environ.get(VARIABLE)
    parent = Path(given) if given else Path(__file__).parents[3] / "weights"
    return parent / name
