"""A saved law as a JSON file, and back.

Everything in the file is in the units of the data, and numbers are read back exactly. Nothing in it
is executed, and all of it is checked: its size, its version, its keys and their types, the shapes
of all tables, and that every number is finite and in its range.
"""

import json
import os
import uuid
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hfluxno.identify.plane import format as on_a_plane
from hfluxno.identify.plane.format import FlowTable, PlaneFurther, PlaneLawFile
from hfluxno.identify.plane.saved import SavedPlaneLaw
from hfluxno.identify.saved.format import (
    ChebyshevBasis,
    Coefficients,
    DictionaryBasis,
    FurtherTerms,
    KinkedBasis,
    LawFile,
    TensorBasis,
    as_row,
    as_table,
    faults,
)
from hfluxno.identify.saved.law import SavedLaw
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Basis, Chebyshev, Dictionary, Kinked, TensorChebyshev
from hfluxno.parametric.fitted_law import FittedLaw, Terms
from hfluxno.parametric.plane.flow import SteadyFlow
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.strict_json import finite, from_dict, to_dict
from hfluxno.version import version_name

FORMAT: Literal["hfluxno law"] = "hfluxno law"
# The content of each version of the file: laws on a line and on a plane.
_HOLDS: dict[int, type[LawFile] | type[PlaneLawFile]] = {1: LawFile, 2: PlaneLawFile}
_MOST_BYTES, _MOST_DIGITS = 4_000_000, 15


def write(saved: SavedLaw | SavedPlaneLaw, path: str | Path) -> None:
    """Writes the file as a whole or not at all. Raises `OSError` if it cannot be written;
    `ValueError` if `path` is none."""
    path, text = _path(path), dumps(saved)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; choose another name.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}.")
    temporary = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _path(path: Any) -> Path:
    try:
        return Path(path)
    except TypeError as error:
        raise ValueError(
            f"A law file is named by a text or a pathlib.Path, as in 'law.json'; got {path!r}."
        ) from error


def dumps(saved: SavedLaw | SavedPlaneLaw) -> str:
    """The text of the file. Raises `ValueError` if a number of the law is not finite."""
    file = _file(saved) if isinstance(saved, SavedLaw) else _plane_file(saved)
    try:
        _check(file)
    except ValueError as error:
        raise ValueError(f"There is a fault in the law: {error}") from error
    return json.dumps(to_dict(file), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _file(saved: SavedLaw) -> LawFile:
    law = saved.law
    return LawFile(
        FORMAT,
        1,
        f"hfluxno {version_name()}",
        law.fields,
        saved.units,
        as_row(law.lower),
        as_row(law.upper),
        float(law.reach),
        law.negated,
        _described(law.basis),
        as_table(law.flux_coefficients),
        as_table(law.diffusion_coefficients),
        None if law.terms is None else _described_terms(law.terms),
        Coefficients(
            tuple(saved.coefficients),
            as_row(list(saved.coefficients.values())),
            as_table(saved.covariance),
        ),
        saved.scheme,
        saved.fit,
        (finite(law.least), finite(law.most)),
        saved.change,
    )


def _plane_file(saved: SavedPlaneLaw) -> PlaneLawFile:
    law, basis = saved.law, _described(saved.law.basis)
    assert isinstance(basis, ChebyshevBasis | DictionaryBasis)
    along_x, along_y = map(as_table, np.asarray(law.coefficients))
    return PlaneLawFile(
        FORMAT,
        2,
        f"hfluxno {version_name()}",
        law.fields,
        saved.units,
        as_row(law.lower),
        as_row(law.upper),
        tuple((first, second) for first, second in law.vectors),
        law.positive,
        law.is_fluid,
        basis,
        (along_x, along_y),
        saved.isotropic,
        saved.recognised,
        saved.terms,
        saved.refinement,
        saved.fit,
        PlaneFurther(
            law.arising,
            () if law.sources is None else as_table(law.sources),
            tuple(map(as_table, () if law.diffusivities is None else law.diffusivities)),
            () if law.constant is None else as_table(law.constant),
            None if law.flow is None else _described_flow(law.flow),
        ),
    )


def load_law(path: str | Path) -> SavedLaw | SavedPlaneLaw:
    """The law in a file written by `save`: a `SavedLaw`, or a `SavedPlaneLaw` on a plane.

    **Raises:**

    - `ValueError`, if it is no such file, has an unknown version, or is faulty.
    - `OSError`, if it cannot be read.
    """
    path = _path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder; name a law file, as save() and --save write it."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no law file {path}; save one with save() or --save.")
    with path.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{path} is too large for a law file; choose one that hfluxno saved.")
    try:
        data = json.loads(
            content.decode("utf-8-sig"),  # editors may add a mark
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_int=_whole,
        )
    except RecursionError as error:
        raise ValueError(
            f"{path} is not a law file: it has too many brackets inside each other; choose one "
            "that hfluxno saved."
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is not a law file, which is JSON; make one with save(), or hfluxno identify "
            "--save."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} is not a law file: {str(error).rstrip('.')}.") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(
            f"{path} is not a law file; make one with save(), or hfluxno identify --save."
        )
    version = data.get("version")
    if type(version) is not int or version not in _HOLDS:
        raise ValueError(
            f"The law file {path} has version {version!r}, but this hfluxno reads versions "
            f"{' and '.join(map(str, _HOLDS))}; update hfluxno, or save the law again."
        )
    try:
        file = from_dict(_HOLDS[version], data, "the law")
        _check(file)
    except ValueError as error:
        fault = str(error).rstrip(".")
        raise ValueError(f"There is a fault in {path}: {fault}; save the law again.") from error
    return _saved(file) if isinstance(file, LawFile) else _saved_plane(file)


def _check(file: LawFile | PlaneLawFile) -> None:
    """Rejects what has the right keys and types but is not a law."""
    found = faults(file) if isinstance(file, LawFile) else on_a_plane.faults(file)
    if (fault := next(found, None)) is not None:
        raise ValueError(f"{fault}.")


def _saved(file: LawFile) -> SavedLaw:
    law = FittedLaw(
        file.fields,
        _basis(file.basis, file.fields),
        np.array(file.flux),
        np.array(file.diffusivity).reshape(len(file.fields), -1),
        np.array(file.lower),
        np.array(file.upper),
        file.odd,
        None if file.terms is None else _terms(file.terms, len(file.fields)),
        np.array(file.reach),
        np.array(-np.inf if file.bounds[0] is None else file.bounds[0]),
        np.array(np.inf if file.bounds[1] is None else file.bounds[1]),
    )
    count = len(file.coefficients.names)
    return SavedLaw(
        law,
        file.units,
        dict(zip(file.coefficients.names, file.coefficients.values, strict=True)),
        np.array(file.coefficients.covariance).reshape(count, count),
        file.scheme,
        file.fit,
        file.change,
    )


def _saved_plane(file: PlaneLawFile) -> SavedPlaneLaw:
    law = FittedPlaneLaw(
        file.fields,
        _basis(file.basis, file.fields),
        np.array(file.flux),
        np.array(file.lower),
        np.array(file.upper),
        file.vectors,
        file.positive,
        file.is_fluid,
        file.further.arising,
        np.array(file.further.sources) if file.further.sources else None,
        np.array(file.further.diffusivities) if file.further.diffusivities else None,
        np.array(file.further.constant) if file.further.constant else None,
        None if file.further.flow is None else _flow(file.further.flow),
    )
    return SavedPlaneLaw(
        law,
        file.units,
        file.isotropic,
        file.recognised,
        file.terms,
        file.refinement,
        file.fit,
    )


def _described_flow(flow: SteadyFlow) -> FlowTable:
    supply = () if flow.supply is None else as_row(flow.supply)
    ends = as_row(flow.lower), as_row(flow.upper)
    return FlowTable(as_table(flow.coefficients), *ends, flow.order, flow.around, supply)


def _flow(of: FlowTable) -> SteadyFlow:
    ends = np.array(of.lower), np.array(of.upper)
    supply = np.array(of.supply) if of.supply else None
    return SteadyFlow(np.array(of.coefficients), *ends, of.order, of.around, supply)


def _described(basis: Basis) -> ChebyshevBasis | KinkedBasis | TensorBasis | DictionaryBasis:
    if isinstance(basis, Kinked):
        of = basis.smooth
        middle, half = float(of.middle[0]), float(of.half[0])
        return KinkedBasis(middle, half, of.size, as_row(basis.at), float(basis.width))
    if isinstance(basis, Chebyshev):
        return ChebyshevBasis(float(basis.middle[0]), float(basis.half[0]), basis.size)
    if isinstance(basis, TensorChebyshev):
        return TensorBasis(as_row(basis.middle), as_row(basis.half), basis.degree)
    if isinstance(basis, Dictionary):
        of_scale = as_row(basis.scale)
        return DictionaryBasis(of_scale, basis.exponents, basis.flow, float(basis.fastest))
    raise ValueError(f"A law in a basis of the type {type(basis).__name__} cannot be saved.")


def _basis(
    of: ChebyshevBasis | KinkedBasis | TensorBasis | DictionaryBasis, fields: tuple[str, ...]
) -> Basis:
    if isinstance(of, ChebyshevBasis | KinkedBasis):
        smooth = Chebyshev(np.array([of.middle]), np.array([of.half]), of.size)
        return (
            Kinked(smooth, np.array(of.at), np.asarray(of.width))
            if isinstance(of, KinkedBasis)
            else smooth
        )
    if isinstance(of, TensorBasis):
        return TensorChebyshev(np.array(of.middle), np.array(of.half), of.degree, len(of.middle))
    return Dictionary(np.array(of.scale), of.exponents, fields, of.flow, np.asarray(of.fastest))


def _described_terms(terms: Terms) -> FurtherTerms:
    return FurtherTerms(
        as_table(terms.by_state),
        as_table(terms.source_by_place),
        as_row(terms.flux_by_place),
        as_row(terms.flux_offset),
        float(terms.modes.lower),
        float(terms.modes.upper),
        terms.modes.count,
        terms.modes.periodic,
        as_table(terms.stretches),
        terms.functions,
        terms.carrier,
    )


def _terms(of: FurtherTerms, fields: int) -> Terms:
    return Terms(
        np.array(of.source_by_state).reshape(fields, -1),
        np.array(of.source_by_place).reshape(fields, -1),
        np.array(of.flux_by_place),
        np.array(of.flux_offset),
        PlaceModes(of.lower, of.upper, of.modes, of.periodic),
        np.array(of.stretches).reshape(-1, 3),
        of.functions,
        of.carrier,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON number")


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"the whole number {digits[:20]}… is too long")
    return int(digits)
