"""Files with frames on a plane: what others write, read by slices, and what is written of them."""

from hfluxno.data.plane.layouts import is_plane
from hfluxno.data.plane.reader import read_plane
from hfluxno.data.plane.source import PlaneSource

__all__ = ["PlaneSource", "is_plane", "read_plane"]
