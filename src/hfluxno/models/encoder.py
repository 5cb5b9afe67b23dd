"""The interface of an encoder: a window of frames to one vector."""

import abc

import equinox as eqx
from jaxtyping import Array, Float, PyTree

from hfluxno.models.network import Context, Frame
from hfluxno.nn.sliding import shift_in


class Encoder(eqx.Module):
    """Maps a context (time, field, *space) to an embedding of its dynamics."""

    @abc.abstractmethod
    def __call__(self, context: Context) -> Float[Array, " embedding"]: ...

    def window(self, context: Context) -> PyTree:
        """What the encoder stores of a sliding window of frames; by default the frames."""
        return context

    def shifted(self, window: PyTree, frame: Frame) -> PyTree:
        """The window without its first frame and with one more at its end."""
        return shift_in(window, frame[None])

    def of_window(self, window: PyTree) -> Float[Array, " embedding"]:
        """The embedding of a window."""
        return self(window)
