"""`hfluxno explore`: what it refuses before it serves."""

import asyncio
import socket
import subprocess
import sys

import numpy as np
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


def test_a_file_that_check_refuses(tmp_path, capsys):
    values = 1.0 + 0.3 * np.sin(np.arange(80.0)).reshape(5, 16)
    np.savez(tmp_path / "two.npz", u=values, v=values)
    assert main(["check", str(tmp_path / "two.npz")]) == 2
    said = capsys.readouterr().err
    assert main(["explore", "--no-browser", str(tmp_path / "two.npz")]) == 2
    assert capsys.readouterr().err == said
    assert "choose one with --variable NAME" in said
    assert main(["explore", "--no-browser", str(tmp_path / "two.npz"), "--variable=w"]) == 2
    assert "w" in capsys.readouterr().err
    assert main(["explore", "--no-browser", "--variable", "u"]) == 2
    assert "--variable does not apply without a file" in capsys.readouterr().err
    assert main(["explore", "--no-browser", "--gamma", "1.4"]) == 2
    assert "--gamma does not apply without a file" in capsys.readouterr().err


def test_no_other_name_of_this_machine_is_answered():
    pytest.importorskip("panel")
    from tornado.httpclient import AsyncHTTPClient

    from hfluxno.explore.problem import FileChoice
    from hfluxno.explore.serve import server

    async def code(port: int, host: str, path: str) -> int:
        url, headers = f"http://127.0.0.1:{port}/{path}", {"Host": f"{host}:{port}"}
        return (await AsyncHTTPClient().fetch(url, headers=headers, raise_error=False)).code

    async def codes():
        made = server(FileChoice())
        try:
            ours = [await code(made.port, name, "metadata") for name in ("127.0.0.1", "localhost")]
            return ours, [await code(made.port, "evil.example", path) for path in ("", "metadata")]
        finally:
            made.stop()

    assert asyncio.run(codes()) == ([200, 200], [403, 403])


@pytest.mark.validation
def test_a_port_that_is_taken():
    start = "import sys; from hfluxno.cli import main; raise SystemExit(main(sys.argv[1:]))"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", start, "explore", "--no-browser", f"--port={port}"]
        ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"hfluxno: Another program listens on port {port}")
