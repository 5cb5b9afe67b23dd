"""Files with two-dimensional frames: the layouts of others, read by slices, and our output."""

from hfluxno.data.plane.layouts import is_plane
from hfluxno.data.plane.reader import read_plane
from hfluxno.data.plane.source import PlaneSource

__all__ = ["PlaneSource", "is_plane", "read_plane"]
