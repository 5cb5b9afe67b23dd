"""What an encoder is: a window of frames to one vector."""

import abc

import equinox as eqx
from jaxtyping import Array, Float


class Encoder(eqx.Module):
    """Maps a context (time, field, *space) to an embedding that stands for its dynamics."""

    @abc.abstractmethod
    def __call__(
        self, context: Float[Array, "time field *space"]
    ) -> Float[Array, " embedding"]: ...
