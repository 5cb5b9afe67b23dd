"""The machine of a benchmark, in words."""

import os
import platform
from pathlib import Path


def processors() -> str:
    """The number of cores and their kind."""
    kind = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                kind = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{os.cpu_count()} cores ({kind})"
