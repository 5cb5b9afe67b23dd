"""`hfluxno export`: a law as a program or a formula."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hfluxno.cli.input import InputConfig

if TYPE_CHECKING:
    from hfluxno.identify import SavedLaw, SavedPlaneLaw


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportConfig(InputConfig):
    """Write a law as a program, a formula or a file.

    INPUT is a law written by `hfluxno identify --save law.json`, or a file with snapshots as for
    `hfluxno forecast`, whose law is inferred first. The targets:

    numpy: a Python file that only needs NumPy (flux, jacobian, speeds, diffusivity, source).

    c: a C header, and a program that tests it.

    pyclaw: a Riemann solver for PyClaw, in Python, in two dimensions in C, and step_source.

    stablehlo: flux and speeds for any number of points, for JAX and other runtimes.

    latex: the formulas.

    json: the law itself, as --save writes it.

    The functions of a law in two dimensions take the axis, 0 for x and 1 for y.

    Example: hfluxno export law.json --to c -o law.h
    """

    to: Annotated[str, tyro.conf.arg(metavar="TARGET")]
    """What to write: numpy, c, pyclaw, stablehlo, latex or json."""
    context: Annotated[int | None, tyro.conf.arg(metavar="K", aliases=["-k"])] = None
    """For snapshots: infer the law from the first K frames, 4 or more; by default from all."""
    momentum: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The field of a system whose sign a reflecting wall reverses, if it cannot be inferred; in two
    dimensions a pair m_x,m_y."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", aliases=["-o"])] = None
    """Where to write; by default in the current folder, under the name of the law, or for snapshots
    NAME_law (for pyclaw also _pyclaw), where only files that this command wrote are replaced."""


def main(config: ExportConfig) -> int:
    """Reads or infers the law, and writes it. Raises `ValueError` if an option or the input is at
    fault, or the law has no form of that kind; `OSError` if a file cannot be read or written."""
    import sys

    from hfluxno.cli import runtime
    from hfluxno.cli.streams import say
    from hfluxno.data.replacing import check_writable, replacing
    from hfluxno.export import TARGETS, check_target, export_law, formula, left_out

    check_target(config.to)
    suffix, ending = TARGETS[config.to].suffix, TARGETS[config.to].ending
    of_law = config.input.suffix.lower() == ".json"
    if of_law:
        _check_unused(config)
    name = config.input.stem if of_law else f"{config.input.stem}_law"
    output = config.output or Path(name + ending + suffix)
    check_writable(output, (suffix,), config.input)
    with runtime.prepared():
        law = _law(config)
        files = export_law(law, config.to, output.stem)
        paths = [output.with_name(name) for name in files]
        for path in paths:
            check_writable(path, (path.suffix,), config.input)
            if config.output is None:
                _check_own(path)
        with replacing(*paths) as temporary:
            for path, content in zip(temporary, files.values(), strict=True):
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        sys.stdout.write(formula(law) + "\n")
    for path in paths:
        sys.stdout.write(f"wrote {path}\n")
    say(*filter(None, [left_out(law, config.to)]))
    return 0


def _check_unused(config: ExportConfig) -> None:
    """Raises `ValueError` if an option says how to read snapshots, and the input is a law."""
    for each in dataclasses.fields(config):
        if each.name not in ("input", "to", "output") and getattr(config, each.name) is not None:
            raise ValueError(
                f"--{each.name} does not apply: {config.input} holds a law, not snapshots; leave "
                "it out."
            )


def _check_own(path: Path) -> None:
    """Raises `ValueError` if the file is a program that this command did not write."""
    programs = path.suffix in (".py", ".h", ".c") and path.is_file()
    if programs and b"hfluxno" not in path.read_bytes():
        raise ValueError(
            f"{path} was not written by this command; move it, or choose a name with -o FILE."
        )


def _law(config: ExportConfig) -> "SavedLaw | SavedPlaneLaw":
    from hfluxno.cli import plane, report
    from hfluxno.cli.acting import mistakes
    from hfluxno.cli.progress import working
    from hfluxno.cli.streams import say
    from hfluxno.identify import load_law
    from hfluxno.identify.saved.law import to_save

    if config.input.suffix.lower() == ".json":
        return load_law(config.input)
    if plane.is_meant(config):
        return _of_plane(config)
    source = config.read()
    report.hint(source)
    context = source.context(config.context)
    say(*mistakes(context))
    with working(f"Inferring the law of {source.variable}"):
        from hfluxno.identify import identify_all

        found = identify_all(context, config.momentum)[0]
    return to_save(found, source.units)


def _of_plane(config: ExportConfig) -> "SavedPlaneLaw":
    from hfluxno.cli import plane
    from hfluxno.cli.progress import working
    from hfluxno.cli.streams import say
    from hfluxno.identify.plane.saved import to_save

    momentum, source = plane.momentum_of(config), plane.read(config)
    plane.check_memory(source, config.context or source.frames)
    context = source.context(plane.members_of(config, source)[0], config.context)
    say(*plane.notes(source, context, momentum))
    with working(f"Inferring the law of {source.variable}"):
        from hfluxno.identify import identify_plane

        found = identify_plane(context, momentum)
    return to_save(found, source.units)
