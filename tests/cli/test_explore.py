"""`hfluxno explore`: what it refuses before it serves."""

import socket
import subprocess
import sys

import pytest

from hfluxno.cli import main


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none(port, capsys):
    assert main(["explore", "--no-browser", f"--port={port}"]) == 2
    assert capsys.readouterr().err == (
        f"hfluxno: --port must be between 1 and 65535; got {port}.\n"
    )


def test_a_file_that_cannot_be_read(tmp_path, capsys):
    (tmp_path / "a.nc").write_bytes(b"")
    for name, sentence in (("no.nc", "There is no file "), ("a.nc", f"{tmp_path}/a.nc is empty")):
        assert main(["explore", "--no-browser", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.startswith(f"hfluxno: {sentence}")


@pytest.mark.validation
def test_a_port_that_is_taken():
    start = "import sys; from hfluxno.cli import main; raise SystemExit(main(sys.argv[1:]))"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", start, "explore", "--no-browser", f"--port={port}"]
        ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"hfluxno: Another program listens on port {port}")
