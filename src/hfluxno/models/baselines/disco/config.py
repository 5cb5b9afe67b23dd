"""The configuration of a DISCO; the network itself is imported when one is built."""

import dataclasses
from typing import TYPE_CHECKING

import jax

from hfluxno.extras import require
from hfluxno.models.configuration import ModelConfig

if TYPE_CHECKING:
    from hfluxno.models.baselines.disco.disco import DISCO

_MOST_AXES = 3  # of the attention


@dataclasses.dataclass(frozen=True)
class DISCOConfig(ModelConfig):
    """A DISCO (see `hfluxno.models.baselines.disco.disco`). The defaults are the paper's baseline
    for the cubic law.

    - `patch`: the cells of a patch of the encoder along each axis, a multiple of 4.
    - `embedding`, `blocks`, `heads`: the size of its tokens, the number of its blocks and of heads.
    - `drop_path`: the probability of leaving out a branch of the last block for a window in
      training; it rises linearly from 0 in the first block.
    - `mlp_width`: of the network between the embedding and the weights that are written.
    - `channels`, `groups`, `levels`: the channels of the differential equation's finest level, the
      number of groups in which channels are normalised, and how often cells are halved.
    - `rtol`, `atol`: the relative and the absolute error of a step of the solver.
    - `substeps`: no step is shorter than the time between two frames divided by this number.
    """

    patch: int = 4
    embedding: int = 128
    blocks: int = 3
    heads: int = 8
    drop_path: float = 0.1
    mlp_width: int = 32
    channels: int = 4
    groups: int = 2
    levels: int = 4
    rtol: float = 1e-4
    atol: float = 1e-6
    substeps: int = 16

    @property
    def summary(self) -> str:
        return f"DISCO, {self.blocks} blocks"

    def check(self) -> None:
        fewest = max(2**self.levels, self.patch)
        if self.levels < 0 or len(self.cells) > _MOST_AXES or min(self.cells) < fewest:
            raise ValueError(
                f"DISCO takes at most {_MOST_AXES} axes, each with cells for a patch and for all "
                f"halvings, here {fewest}; got {self.cells} and {self.levels} levels."
            )
        if self.patch < 4 or self.patch % 4 != 0:
            raise ValueError(f"DISCO's patch must be a multiple of 4; got {self.patch}.")
        if self.heads < 1 or self.embedding < 4 or self.embedding % 4 != 0:
            raise ValueError(
                "DISCO needs an embedding that is a multiple of 4, and heads; got "
                f"{self.embedding} and {self.heads}."
            )
        if self.embedding % (2 * self.heads) != 0:
            raise ValueError(
                f"Twice the heads of DISCO must divide its embedding of {self.embedding}; got "
                f"{self.heads} heads."
            )
        if not 0.0 <= self.drop_path < 1.0:
            raise ValueError(f"DISCO's drop_path must be in [0, 1); got {self.drop_path}.")
        if self.groups < 1 or self.channels < 1 or self.channels % self.groups != 0:
            raise ValueError(
                f"The groups of DISCO must divide its {self.channels} channels; got {self.groups}."
            )
        if not (self.rtol > 0.0 and self.atol > 0.0 and self.substeps >= 1):
            raise ValueError(
                "DISCO's solver needs positive tolerances and at least one substep; got "
                f"{self.rtol}, {self.atol} and {self.substeps}."
            )

    def build(self, key: jax.Array) -> "DISCO":
        require("DISCO", "networks", "diffrax")
        from hfluxno.models.baselines.disco.disco import DISCO

        return DISCO(self, key=key)
