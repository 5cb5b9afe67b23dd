"""`hfluxno explore`: what it refuses before it serves."""

import importlib.util
import socket
import subprocess
import sys

import pytest

from hfluxno.cli import main


def test_without_panel_it_says_what_to_install(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "panel" else found(name)
    )
    assert main(["explore", "--no-browser"]) == 2
    assert capsys.readouterr().err == (
        "hfluxno: The page needs Panel and Bokeh, which are not installed: pip install "
        "'hfluxno[explore]'.\n"
    )


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none(port, capsys):
    assert main(["explore", "--no-browser", f"--port={port}"]) == 2
    assert capsys.readouterr().err == (
        f"hfluxno: --port must be between 1 and 65535; got {port}.\n"
    )


@pytest.mark.validation
def test_a_port_that_is_taken():
    start = "import sys; from hfluxno.cli import main; raise SystemExit(main(sys.argv[1:]))"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", start, "explore", "--no-browser", f"--port={port}"]
        ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("hfluxno: ") and "already in use" in ended.stderr
