"""Two runs do not make one output at the same time: their parts would be mixed."""

import subprocess
import sys

import pytest

from hfluxno.data.partial import Partial

pytest.importorskip("fcntl", reason="this system has no such locks")

_OTHER = """
import sys
from pathlib import Path
from hfluxno.data.partial import Partial

Partial(Path(sys.argv[1])).start({"made_by": sys.argv[2]})
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("note", ["the same", "another"])
def test_an_output_that_another_process_makes_is_refused_until_that_ends(tmp_path, note):
    output = tmp_path / "a.zarr"
    command = [sys.executable, "-c", _OTHER, str(output), "the same"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "begun\n"
        partial = Partial(output)
        for _ in range(2):
            sentence = "Another run is writing .*a.zarr.partial; wait until it has ended, or choose"
            with pytest.raises(FileExistsError, match=sentence):
                partial.start({"made_by": note})
        assert partial.note == {"made_by": "the same"}
        other.kill()
    for _ in range(2):  # it may begin again where it was interrupted
        partial.start({"made_by": note})
        assert partial.note == {"made_by": note}
    partial.finish()
    assert list(tmp_path.iterdir()) == []
