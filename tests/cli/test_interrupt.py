"""Ctrl-C and the like at any moment: one line, the exit status 130, and nothing half written."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.slow import slow

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="this system does not show its threads"
)

# A shell that starts tests in the background has its children ignore the signal.
_AT_A_TERMINAL = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
_MAIN = "import sys; from hfluxno.cli import main; sys.exit(main())"


def start(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", _AT_A_TERMINAL + textwrap.dedent(program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_its_second_thread(process):
    """The one that waits for the signal, whatever the load of the machine."""
    while process.poll() is None and len(os.listdir(f"/proc/{process.pid}/task")) < 2:
        time.sleep(1e-3)


def assert_interrupted(process, status=130):
    began = time.perf_counter()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (status, "", "hfluxno: interrupted\n")
    assert time.perf_counter() - began < 10.0


# Imports of JAX and of its extensions, which took the signal for an error of their own, lost it or
# aborted, go from .1 to 1.5 seconds; then the law is inferred.
DELAYS = [0.0, slow(0.05), 0.1, slow(0.2), 0.3, slow(0.4), 0.6, slow(0.8), slow(1.2), slow(3.0)]


@pytest.mark.parametrize("delay", DELAYS)
def test_a_command_ends_at_any_time(tmp_path, delay):
    process = start(_MAIN, "demo", "--folder", str(tmp_path))
    wait_for_its_second_thread(process)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    assert_interrupted(process)
    assert list(tmp_path.iterdir()) == []


def test_nothing_heavy_is_imported_before_the_signal_is_waited_for():
    """So it is, in less than a tenth of a second."""
    program = "import hfluxno.cli, sys; print(*{name.split('.')[0] for name in sys.modules})"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = set(ended.stdout.split())
    assert "hfluxno" in loaded and not loaded & {"jax", "numpy", "tyro", "rich", "equinox"}


@pytest.mark.parametrize(("sent", "status"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_what_is_half_written_is_removed_and_what_was_there_stays(tmp_path, sent, status):
    (tmp_path / "a.nc").write_text("precious")
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "zarr.json").write_text("precious")
    program = """
        import os, pathlib, signal, sys, time
        from hfluxno.cli.interrupt import end_at_interrupt
        from hfluxno.data import replacing

        folder = pathlib.Path(sys.argv[1])
        rename = os.rename

        def interrupted(old, new):
            os.rename = rename
            rename(old, new)  # the old folder is away, the new one not yet in its place
            os.kill(os.getpid(), getattr(signal, sys.argv[2]))
            time.sleep(30)

        end_at_interrupt()
        os.rename = interrupted
        with replacing.replacing(folder / "b.zarr", folder / "a.nc") as (new_folder, new_file):
            new_folder.mkdir()
            new_file.write_text("half")
    """
    assert_interrupted(start(program, str(tmp_path), f"SIG{sent}"), status)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "b.zarr"]
    assert (tmp_path / "a.nc").read_text() == "precious"
    assert (tmp_path / "b.zarr" / "zarr.json").read_text() == "precious"


def test_nothing_is_left_where_nobody_hears_that_it_ends(tmp_path):
    program = """
        import os, pathlib, signal, sys, time
        from hfluxno.cli.interrupt import end_at_interrupt
        from hfluxno.data.replacing import replacing

        end_at_interrupt()
        with replacing(pathlib.Path(sys.argv[1]) / "a.nc") as (new,):
            new.write_text("half")
            os.close(2)
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(30)
    """
    process = start(program, str(tmp_path))
    process.communicate(timeout=60)
    assert process.returncode == 129 and list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_of_its_own_ends_alone():
    program = """
        import os, signal, time
        from hfluxno.cli.interrupt import end_at_interrupt

        end_at_interrupt()
        child = os.fork()
        if not child:
            time.sleep(30)
            os._exit(1)
        time.sleep(0.1)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        time.sleep(0.1)
        print(os.waitstatus_to_exitcode(status))
    """
    process = start("import warnings; warnings.simplefilter('ignore')\n" + textwrap.dedent(program))
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "-15\n")


@pytest.mark.parametrize("module", ["hfluxno.cli.progress", "hfluxno.data.replacing"])
def test_modules_that_are_being_imported_have_no_names_yet(module):
    program = """
        import os, signal, sys, time, types
        from hfluxno.cli.interrupt import end_at_interrupt

        end_at_interrupt()
        sys.modules[sys.argv[1]] = types.ModuleType(sys.argv[1])
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(30)
    """
    assert_interrupted(start(program, module))


def test_where_the_signal_is_ignored_it_stays_ignored(tmp_path):
    program = """
        import os, signal, sys
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        from hfluxno.cli import main
        sys.argv = ["hfluxno", "--version"]
        status = main()
        os.kill(os.getpid(), signal.SIGINT)
        sys.exit(status)
    """
    process = start(program)
    out, err = process.communicate()
    assert process.returncode == 0 and out.startswith("hfluxno ") and err == ""
