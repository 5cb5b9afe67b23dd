"""`hfluxno doctor`: one page on this installation and its machine, for a bug report.

It must not fail when something is broken: each entry is found independently, from files and the
standard library, or says why it is not known. JAX is loaded only in another process.
"""

import dataclasses
import json
import os
import platform
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import tyro

_LABEL, _WIDTH = 13, 100
_TOOLS = re.compile(r"extra == ['\"](dev|docs|types)['\"]")
# Only settings of the environment that affect programs: a report is public.
_SETTINGS = re.compile(
    r"(JAX|XLA|PJRT|HFLUXNO|OMP|OPENBLAS|CUDA)_\w+|GLIBC_TUNABLES|XDG_CACHE_HOME"
)
_SMALLEST_WEIGHTS = 10_000  # bytes; less is a pointer to a file that was not fetched
_SECONDS = 120.0
_DEVICES = """
import json
import sys
try:
    import jax
    one = float(jax.jit(lambda x: x + 1.0)(0.0))
    names = [f"{d.platform} {d.id} ({d.device_kind})" for d in jax.devices()]
    found = {"backend": jax.default_backend(), "devices": names, "computes": one == 1.0}
except Exception as error:
    found = {"fault": str(error) or type(error).__name__}
sys.stdout.write(json.dumps(found))
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DoctorConfig:
    """Say what is installed and what the machine has, on one page for a bug report.

    The report lists versions, settings of the environment, processor, cores, memory and huge pages,
    the cache of compiled programs and the shipped weights, or says why one is not known. Nothing is
    sent anywhere.

    Example: hfluxno doctor --devices
    """

    devices: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Also load JAX, in a separate process, and list its devices."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the report as one JSON object, and nothing else."""


def main(config: DoctorConfig) -> int:
    """Collects and reports; succeeds whatever is missing."""
    found, unknown = examined(config.devices)
    if config.json:
        sys.stdout.write(json.dumps(found | {"unknown": unknown}) + "\n")
        return 0
    for name, value in found.items():
        text = f"not known: {unknown[name]}" if name in unknown else _text(value)
        lines = textwrap.wrap(text, _WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False)
        for label, line in zip([name.replace("_", " "), *[""] * len(lines)], lines, strict=False):
            sys.stdout.write(f"{label:<{_LABEL}}{line}\n")
    return 0


def examined(devices: bool = False) -> tuple[dict[str, Any], dict[str, str]]:
    """The entries, `None` if not known, and the reasons for those."""
    found: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for name, find in _ENTRIES.items():
        if name == "devices" and not devices:
            found[name], unknown[name] = None, "JAX is only loaded with --devices"
            continue
        try:
            found[name] = find()
        except Exception as error:  # whatever it is, the other entries are still useful
            sentence = " ".join(str(error).split()).rstrip(".")
            found[name], unknown[name] = None, sentence or type(error).__name__
    return found, unknown


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"


def _package() -> Path:
    return Path(__file__).parents[1]


def _packages() -> dict[str, str]:
    first = ["numpy", "jax", "jaxlib"]
    names = dict.fromkeys(first + _required(lambda line: "extra ==" not in line))
    return {name: _version(name) or "MISSING" for name in names}


def _optional() -> dict[str, str]:
    """The installed packages of the extras, without tools for developing hfluxno."""
    names = _required(lambda line: "extra ==" in line and not _TOOLS.search(line))
    versions = {name: _version(name) for name in [*names, "jax-cuda12-plugin"] if name != "jax"}
    return {name: version for name, version in versions.items() if version is not None}


def _required(chosen: Callable[[str], bool]) -> list[str]:
    lines = filter(chosen, metadata.requires("hfluxno") or ())
    names = {re.split(r"[^\w.-]", line)[0] for line in lines}
    return sorted(names - {"hfluxno"})


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    entries = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    flags = entries.get("flags", entries.get("Features", "")).split()
    wide = [name for name in ("avx2", "avx512f", "asimd", "sve") if name in flags]
    name = entries.get("model name") or platform.processor() or platform.machine()
    return ", ".join([name, *wide])


def _cores() -> dict[str, int | None]:
    """The cores of the machine, and those of this process, each of which gets a thread unless
    PJRT_NPROC says otherwise."""
    found = {"machine": os.cpu_count()}
    if hasattr(os, "sched_getaffinity"):
        found["this process"] = len(os.sched_getaffinity(0))
    return found


def _memory() -> dict[str, str]:
    from hfluxno.memory import memory_of_machine

    total = memory_of_machine()
    found = {} if total is None else {"total": f"{total / 2**30:.1f} GiB"}
    table = Path("/proc/meminfo")
    if table.is_file():
        available = re.search(r"MemAvailable:\s+(\d+) kB", table.read_text(encoding="utf-8"))
        if available is not None:
            found["available"] = f"{int(available[1]) / 2**20:.1f} GiB"
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if pages.is_file():
        chosen = re.search(r"\[(\w+)\]", pages.read_text(encoding="utf-8"))
        found["huge pages"] = chosen[1] if chosen else "not known"
    return found


def _cache() -> dict[str, Any]:
    from hfluxno.compilation_cache import cache_folder

    folder = Path(os.environ.get("JAX_COMPILATION_CACHE_DIR") or cache_folder())
    if not folder.is_dir():
        return {"folder": str(folder), "exists": False}
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {
        "folder": str(folder),
        "writable": os.access(folder, os.W_OK),
        "size": f"{sum(file.stat().st_size for file in files) / 2**20:.1f} MiB",
        "programs": sum(file.parent.name == "programs" for file in files),
        "programs of JAX": sum(file.name.endswith("-cache") for file in files),
    }


def _weights() -> dict[str, Any]:
    folder = _package() / "weights"
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    names: list[str] = []
    broken: list[str] = []
    for each in sorted(path.parent for path in folder.glob("*/config.json")):
        arrays = each / "model.safetensors"
        whole = arrays.is_file() and arrays.stat().st_size >= _SMALLEST_WEIGHTS
        (names if whole else broken).append(each.name)
    return {"number": len(names), "incomplete": broken, "names": names}


def _devices() -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-c", _DEVICES], capture_output=True, text=True, timeout=_SECONDS
    )
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or [f"it ended with {ended.returncode}"]
        raise RuntimeError(f"JAX ends its process: {said[-1]}")
    found = json.loads(ended.stdout.splitlines()[-1])
    if "fault" in found:
        raise RuntimeError(f"JAX cannot be used: {found['fault']}")
    return found


_ENTRIES: dict[str, Callable[[], Any]] = {
    "hfluxno": lambda: {"version": metadata.version("hfluxno"), "folder": str(_package())},
    "python": lambda: (
        f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    ),
    "system": platform.platform,
    "packages": _packages,
    "optional": _optional,
    "environment": lambda: {n: v for n, v in sorted(os.environ.items()) if _SETTINGS.fullmatch(n)},
    "processor": _processor,
    "cores": _cores,
    "memory": _memory,
    "cache": _cache,
    "weights": _weights,
    "devices": _devices,
}
