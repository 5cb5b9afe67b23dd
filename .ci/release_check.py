"""Builds the wheel and the sdist, installs each into fresh environments, and tries them there.

    python .ci/release_check.py [--pythons python3.11 python3.13] [--only wheel]
    python .ci/release_check.py --lowest [--pythons python3.11]

Every environment gets the import of all public names, `hfluxno doctor`, `hfluxno demo`, a forecast
of the file that this leaves, and the export of its law, in an empty folder, so that nothing of the
checkout is found by accident. With `--lowest` there is one environment, with the extras and the
lowest versions that pyproject.toml allows (found by uv), where networks are trained too.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PYTHONS = ("python3.11", "python3.12", "python3.13", "python3.14")
_EXTRAS = ("cluster", "explore", "hub", "parquet", "train")
_COMMANDS = (
    "doctor",
    "demo",
    "identify traffic_forecast.nc --variable density --save law.json",
    "forecast traffic_forecast.nc --variable density --law law.json -n 5 -o ahead.zarr",
    "export law.json --to numpy -o law.py",
)
_OF_EXTRAS = (
    "generate cubic --split test --laws 2 --initials 2 -o set.zarr",
    "forecast set.zarr -k 20 -n 5 --scheduler local --workers 1 -o ahead-of-set.zarr",
    "forecast set.zarr -k 20 -n 5 --method hfluxno --weights hfluxno-small-cubic -o ahead.nc",
    "evaluate --weights hfluxno-small-cubic --data set.zarr --every 40 -o errors.json",
    "train tiny --steps 4 --output run",
    "train tiny --steps 4 --output run-of-two --processes 2",
)
_IMPORT = "import hfluxno; print(*(getattr(hfluxno, name) for name in hfluxno.__all__), sep='\\n')"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pythons", nargs="+", default=None, help="interpreters to try")
    parser.add_argument("--only", choices=("wheel", "sdist"), default=None)
    parser.add_argument("--lowest", action="store_true", help="the lowest versions allowed")
    options = parser.parse_args()
    pythons = options.pythons or [name for name in _PYTHONS if _works(name)]
    if not pythons:
        raise SystemExit(f"None of {', '.join(_PYTHONS)} is here; name one by --pythons.")
    with tempfile.TemporaryDirectory(prefix="hfluxno-release-") as scratch:
        built = _built(Path(scratch), pythons[0])
        if options.lowest:
            _tried(Path(scratch), pythons[0], "lowest", built["wheel"])
            return 0
        for python in pythons:
            for kind, file in built.items():
                if options.only in (None, kind):
                    _tried(Path(scratch), python, kind, file)
    return 0


def _works(python: str) -> bool:
    usable = shutil.which(python) and subprocess.run(
        [python, "-c", "import ensurepip, venv"], capture_output=True, check=False
    )
    return bool(usable) and usable.returncode == 0


def _built(scratch: Path, python: str) -> dict[str, Path]:
    """The wheel and the sdist, built from what the sdist would hold."""
    tools = _environment(scratch / "build", python)
    _run(tools / "pip", "install", "--quiet", "build", cwd=scratch)
    _run(tools / "python", "-m", "build", "--outdir", scratch / "dist", ROOT, cwd=scratch)
    (wheel,), (sdist,) = ((scratch / "dist").glob(what) for what in ("*.whl", "*.tar.gz"))
    print(f"built {wheel.name} ({wheel.stat().st_size / 2**20:.1f} MiB)")
    print(f"built {sdist.name} ({sdist.stat().st_size / 2**20:.1f} MiB)", flush=True)
    return {"wheel": wheel, "sdist": sdist}


def _tried(scratch: Path, python: str, kind: str, file: Path) -> None:
    begin = time.monotonic()
    place = scratch / f"{Path(python).name}-{kind}"
    tools = _environment(place, python)
    if kind == "lowest":
        _run(tools / "pip", "install", "--quiet", "uv", cwd=place)
        install = (tools / "uv", "pip", "install", "--quiet", "--python", tools / "python")
        # What a wheel needs does not count as direct; what pyproject.toml lists does.
        extras = [word for name in _EXTRAS for word in ("--extra", name)]
        lowest = ("--resolution", "lowest-direct", "-r", ROOT / "pyproject.toml", *extras)
        _run(*install, *lowest, cwd=place)
        _run(*install, "--no-deps", file, cwd=place)
    else:
        _run(tools / "pip", "install", "--quiet", file, cwd=place)
    empty = place / "empty"
    empty.mkdir()
    _run(tools / "python", "-c", _IMPORT, cwd=empty)
    for words in (*_COMMANDS, *(_OF_EXTRAS if kind == "lowest" else ())):
        _run(tools / "hfluxno", *words.split(), cwd=empty)
    if not (empty / "traffic_forecast.png").is_file():
        raise SystemExit(f"The demo of {file.name} under {python} left no picture.")
    _run(tools / "python", "law.py", cwd=empty)
    count = len(_run(tools / "pip", "list", "--format=freeze", cwd=place).splitlines())
    seconds = time.monotonic() - begin
    print(f"{python}, {kind}: works; {count} packages; {seconds:.0f} s", flush=True)
    shutil.rmtree(place)


def _environment(place: Path, python: str) -> Path:
    _run(python, "-m", "venv", place, cwd=place.parent)
    return place / "bin"


def _run(*command, cwd: Path) -> str:
    run = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False
    )
    if run.returncode:
        sys.stderr.write(run.stdout + run.stderr)
        raise SystemExit(f"This failed: {' '.join(map(str, command))}")
    return run.stdout


if __name__ == "__main__":
    raise SystemExit(main())
