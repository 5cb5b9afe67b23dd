"""One run on all devices of this machine: batches are split among them, weights are on each.

JAX compiles the step once for all of them and adds what the devices find (data parallelism), so the
result is that of one device but for the order of sums.
"""

import dataclasses
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


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

        - `ValueError`, where there is none.
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

    def multiple(self, count: int) -> int:
        """The least multiple of the number of devices that is no less than `count`."""
        return -(-count // self.devices) * self.devices

    def batch(self, tree: Any) -> Any:
        """The arrays of a batch, split along their first axis."""
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec("batch")))

    def everywhere(self, tree: Any) -> Any:
        """Arrays that every device holds."""
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec()))
