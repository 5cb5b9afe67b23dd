"""Leaves the cores to the threads that solve chunks.

By default XLA splits each operation of a compiled program over all cores and waits for all of them.
A step of a chunk is a few such operations of some ten microseconds, so the waiting costs more than
the cores gain: one core alone is faster. Chunks are independent, and one of them on each core keeps
all cores busy.
"""

import os

import jax


def one_core_per_program() -> None:
    """Makes each compiled program run on the thread that calls it.

    XLA reads these settings once, when JAX starts: call it before anything is computed. Afterwards,
    and with an XLA that does not know them, it only leaves things as they are. The settings hold
    for the whole process, so this is for programs that do nothing else.
    """
    before = os.environ.get("NPROC")
    os.environ["NPROC"] = "1"
    try:
        jax.config.update("jax_cpu_enable_async_dispatch", False)
        jax.devices()
    finally:
        if before is None:
            del os.environ["NPROC"]
        else:
            os.environ["NPROC"] = before
