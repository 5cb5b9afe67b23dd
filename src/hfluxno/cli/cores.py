"""How a command uses the cores.

By default XLA splits each operation of a compiled program over all cores and waits for all of them.
Our operations are so many and so short that the waiting costs about as much as the cores gain. So
each program gets one core, and the cores get programs of their own: chunks of trajectories or
contexts, each on a thread, or the shares of a batch, each on a device.

XLA reads these settings once, when JAX starts: set them before anything is computed. Afterwards,
and with an XLA that does not know them, they leave things as they are. They hold for the whole
process, so they are for the command line, not for the library.
"""

import contextlib
import os

import jax

# Fewer windows than this are not worth a device of their own.
_LEAST_SHARE = 4


def one_core_per_program() -> None:
    """Makes each compiled program run on the thread that calls it."""
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    _start_with_one_core()


def one_core_per_device(batch: int) -> None:
    """Makes each core a device of JAX, as far as they share a batch equally.

    A user who has said how many devices there are is asked no more.
    """
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        most = max(1, min(cores or 1, batch // _LEAST_SHARE))
        devices = max(n for n in range(1, most + 1) if batch % n == 0)
        if jax.config.values["jax_num_cpu_devices"] == -1:
            with contextlib.suppress(RuntimeError):  # where JAX has started
                jax.config.update("jax_num_cpu_devices", devices)
    _start_with_one_core()


def _start_with_one_core() -> None:
    before = os.environ.get("NPROC")
    os.environ["NPROC"] = "1"
    try:
        jax.devices()
    finally:
        if before is None:
            del os.environ["NPROC"]
        else:
            os.environ["NPROC"] = before
