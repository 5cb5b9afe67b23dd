"""One run on all devices of this process, or of several: batches are split among them, weights
copied to each.

JAX compiles the step once for all of them and sums their results (data parallelism), so the result
equals that of one device up to the order of sums.
"""

import contextlib
import dataclasses
import os
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hfluxno.batching import cores

# As many as fit the cache of a CPU core. With the paper's model on two cores 4 windows at a time
# are 1.6 times as fast as all, and 2 or 8 are no faster.
_WINDOWS_OF_A_CORE = 4


def use_cores(batch: int) -> None:
    """Makes every core of the CPU a device, or as many as can share a batch equally.

    Cores that work on separate windows wait for each other once per step instead of at every
    operation. It must be called before JAX is first used; later, or if `XLA_FLAGS` gives a number
    of devices, it has no effect.
    """
    if "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return
    most = min(cores(), max(1, batch // _WINDOWS_OF_A_CORE))
    devices = max(n for n in range(1, most + 1) if batch % n == 0)
    with contextlib.suppress(RuntimeError):  # JAX has been used
        jax.config.update("jax_num_cpu_devices", devices)


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where the arrays of a run are.

    - `mesh`: the devices, with the one axis `batch`.
    """

    mesh: Mesh

    @classmethod
    def on(cls, kind: str | None = None) -> "Placement":
        """All devices of a kind (`cpu`, `gpu`, `tpu`), by default those that JAX prefers: those of
        all processes of the run.

        Raises `ValueError` if there is none, or processes have different numbers of them.
        """
        try:
            devices = jax.devices(kind)
        except RuntimeError as error:
            present = ", ".join(sorted({device.platform for device in jax.devices()}))
            raise ValueError(
                f"There is no {kind} that JAX can use, only {present}; install JAX for it "
                "(pip install 'hfluxno[cuda]' for NVIDIA) or leave --device out."
            ) from error
        own = sum(device.process_index == jax.process_index() for device in devices)
        if own * jax.process_count() != len(devices):
            raise ValueError(
                f"{jax.process_count()} processes have {len(devices)} devices, of which this one "
                f"has {own}; a run needs equally many in each (of CPUs by XLA_FLAGS="
                "--xla_force_host_platform_device_count=N)."
            )
        devices = sorted(devices, key=lambda device: (device.process_index, device.id))
        return cls(Mesh(np.array(devices), ("batch",)))

    @property
    def devices(self) -> int:
        return self.mesh.size

    def check(self, batch: int) -> None:
        """Checks that the devices can share a batch equally."""
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
        """The least multiple of the number of devices not below `count`."""
        return -(-count // self.devices) * self.devices

    def rows(self, count: int) -> slice:
        """Which of `count` windows are this process's: all, or as many as every other has."""
        share = count // jax.process_count()
        return slice(share * jax.process_index(), share * (jax.process_index() + 1))

    def batch(self, tree: Any) -> Any:
        """The arrays of a batch, split along their first axis; every process gives its `rows`."""
        return self._placed(tree, PartitionSpec("batch"))

    def everywhere(self, tree: Any) -> Any:
        """Arrays that every device holds, and every process gives."""
        return self._placed(tree, self.whole.spec)

    @property
    def whole(self) -> NamedSharding:
        """The host copy of replicated arrays."""
        return NamedSharding(self.mesh, PartitionSpec())

    def _placed(self, tree: Any, spec: PartitionSpec) -> Any:
        sharding = NamedSharding(self.mesh, spec)
        if jax.process_count() == 1:
            return jax.device_put(tree, sharding)
        return jax.tree.map(
            lambda leaf: jax.make_array_from_process_local_data(sharding, np.asarray(leaf)), tree
        )
