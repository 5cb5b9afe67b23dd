"""Law files with entries that are not those that were saved."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import hfluxno


def assert_refused(file: Path, changes: dict[str, Any], sentence: str) -> None:
    """That the file is refused with other values at these places, keys separated by /."""
    data = json.loads(file.read_text())
    for path, value in changes.items():
        *parents, last = path.split("/")
        place = data
        for parent in parents:
            place = place[parent]
        place[last] = copy.deepcopy(value)
    other = file.with_name("other.json")
    other.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=sentence):
        hfluxno.load_law(other)
