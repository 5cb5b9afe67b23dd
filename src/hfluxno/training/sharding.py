"""One run on all devices of this machine: batches are split among them, weights are on each.

JAX compiles the step once for all of them and adds what the devices find (data parallelism), so the
result is that of one device except for the order of sums.
"""

import contextlib
import dataclasses
import os
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

# What a core of a CPU keeps in its cache. With the paper's model on two cores 4 windows at a time
# are 1.6 times as fast as all, and 2 or 8 are no faster.
_WINDOWS_OF_A_CORE = 4


def use_cores(batch: int, cores: int | None = None) -> None:
    """Makes every core of the CPU a device, or as many as a batch occupies and can be shared by
    equally.

    Cores that work on windows of their own wait for each other once a step, and not at every
    operation. It has to be called before JAX is first used, and afterwards changes nothing; neither
    does it if `XLA_FLAGS` gives a number of devices.
    """
    if "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return
    most = min(cores or os.cpu_count() or 1, max(1, batch // _WINDOWS_OF_A_CORE))
    devices = max(n for n in range(1, most + 1) if batch % n == 0)
    with contextlib.suppress(RuntimeError):  # JAX has been used
        jax.config.update("jax_num_cpu_devices", devices)


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where arrays of a run live.

    **Attributes:**

    - `mesh`: the devices, with the one axis `batch`.
    """

    mesh: Mesh

    @classmethod
    def on(cls, kind: str | None = None) -> "Placement":
        """All devices of a kind (`cpu`, `gpu`, `tpu`), by default those that JAX prefers.

        **Raises:**

        - `ValueError`, if there is none.
        """
        try:
            devices = jax.devices(kind)
        except RuntimeError as error:
            present = ", ".join(sorted({device.platform for device in jax.devices()}))
            raise ValueError(
                f"There is no {kind} that JAX can use, only {present}; install JAX for it "
                "(pip install 'hfluxno[cuda]' for NVIDIA) or leave --device out."
            ) from error
        return cls(Mesh(np.array(devices), ("batch",)))

    @property
    def devices(self) -> int:
        return self.mesh.size

    def check(self, batch: int) -> None:
        """Refuses a batch that the devices cannot share equally."""
        if batch % self.devices:
            raise ValueError(
                f"A batch of {batch} windows cannot be shared equally by {self.devices} devices; "
                f"use a multiple of {self.devices}."
            )

    def windows_at_once(self, share: int) -> int:
        """How many windows of its share of a batch a device should differentiate at once, a divisor
        of the share: all of them on accelerators, and few on a CPU."""
        if self.mesh.devices.flat[0].platform != "cpu":
            return share
        return max(n for n in range(1, _WINDOWS_OF_A_CORE + 1) if share % n == 0)

    def multiple(self, count: int) -> int:
        """The least multiple of the number of devices that is no less than `count`."""
        return -(-count // self.devices) * self.devices

    def batch(self, tree: Any) -> Any:
        """The arrays of a batch, split along their first axis."""
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec("batch")))

    def everywhere(self, tree: Any) -> Any:
        """Arrays that every device holds."""
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec()))
