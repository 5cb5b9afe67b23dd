"""Export of a law as a program, a formula or a file."""

from hfluxno.export.left_out import left_out
from hfluxno.export.targets import TARGETS, check_target, export_law
from hfluxno.export.to_text import text as formula

__all__ = ["TARGETS", "check_target", "export_law", "formula", "left_out"]
