"""The settings of a run of the command line: precision, and the cache of compiled programs."""

import contextlib
import os

from hfluxno.compilation_cache import use_cache


def check_platform() -> None:
    """Raises `ValueError` if JAX_PLATFORMS names devices that this machine or JAX does not have;
    JAX itself fails at its first computation, in words about its own parts."""
    import jax

    asked = os.environ.get("JAX_PLATFORMS", "")
    if not asked:
        return
    try:
        jax.default_backend()
    except (AssertionError, RuntimeError) as error:
        raise ValueError(
            f"JAX_PLATFORMS is {asked}, and JAX finds no such device here; unset it or set it to "
            "cpu, or install the JAX of that device, as hfluxno[cuda]."
        ) from error


def prepared(float64: bool = False) -> contextlib.AbstractContextManager:
    """Checks the platform and sets the cache of compiled programs, at once; in the context there is
    float64 if asked for."""
    import jax

    check_platform()
    use_cache()
    return jax.enable_x64(True) if float64 else contextlib.nullcontext()
