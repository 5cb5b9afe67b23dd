"""What an encoder is: a window of frames to one vector."""

import abc

import equinox as eqx
from jaxtyping import Array, Float, PyTree


class Encoder(eqx.Module):
    """Maps a context (time, field, *space) to an embedding that stands for its dynamics."""

    @abc.abstractmethod
    def __call__(
        self, context: Float[Array, "time field *space"]
    ) -> Float[Array, " embedding"]: ...

    def frame_by_frame(self, frames: Float[Array, "time field *space"]) -> PyTree:
        """What the encoder computes of every frame by itself: arrays (time, …). A window that
        slides keeps it."""
        return frames

    def of_frames(self, seen: PyTree) -> Float[Array, " embedding"]:
        """The embedding of the window with these `frame_by_frame`."""
        return self(seen)
