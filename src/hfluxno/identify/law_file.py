"""A saved law as a JSON file, and back.

The file says everything in the units of the data, in numbers that are read as they were written.
Nothing in it is executed, and all of it is checked: its size, its version, its keys and their
types, the shapes of all tables, and that every number is finite and means something.
"""

import json
import os
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hfluxno.identify.basis import Basis, Chebyshev, Dictionary, Kinked, TensorChebyshev
from hfluxno.identify.fitted_law import FittedLaw, Terms
from hfluxno.identify.law_format import (
    ChebyshevBasis,
    Coefficients,
    DictionaryBasis,
    FurtherTerms,
    KinkedBasis,
    LawFile,
    Row,
    Table,
    TensorBasis,
    check,
)
from hfluxno.identify.saved_law import SavedLaw
from hfluxno.laws.place import PlaceModes
from hfluxno.strict_json import from_dict, to_dict

FORMAT: Literal["hfluxno law"] = "hfluxno law"
VERSION = 1
_MOST_BYTES, _MOST_DIGITS = 4_000_000, 15


def write(saved: SavedLaw, path: Path) -> None:
    """Writes the file as a whole or not at all.

    **Raises:**

    - `OSError`, if it cannot be written.
    """
    text = dumps(saved)
    temporary = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def dumps(saved: SavedLaw) -> str:
    """The text of the file.

    **Raises:**

    - `ValueError`, if a number of the law is not finite.
    """
    law = saved.law
    file = LawFile(
        FORMAT,
        VERSION,
        _made_by(),
        law.fields,
        saved.units,
        _row(law.lower),
        _row(law.upper),
        float(law.reach),
        law.odd,
        _described(law.basis),
        _table(law.flux_coefficients),
        _table(law.diffusion_coefficients),
        None if law.terms is None else _described_terms(law.terms),
        Coefficients(
            tuple(saved.coefficients),
            _row(list(saved.coefficients.values())),
            _table(saved.covariance),
        ),
        saved.scheme,
        saved.fit,
    )
    check(file, "the law")
    return json.dumps(to_dict(file), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def load_law(path: str | Path) -> SavedLaw:
    """The law of a file that `save` wrote.

    **Raises:**

    - `ValueError`, if it is no such file, is of another version, or says something that cannot be.
    - `OSError`, if it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of a law {path}; save one with --save.")
    with path.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{path} is larger than any law; choose a file that hfluxno saved.")
    try:
        data = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_int=_whole,
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no file of a law: {str(error).rstrip('.')}.") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"{path} is no file of a law; make one with hfluxno identify --save.")
    if data.get("version") != VERSION:
        raise ValueError(
            f"The law in {path} is of version {data.get('version')!r}, and this hfluxno reads "
            f"version {VERSION}; update hfluxno, or save the law again."
        )
    file = from_dict(LawFile, data, str(path))
    check(file, str(path))
    return _saved(file)


def _saved(file: LawFile) -> SavedLaw:
    law = FittedLaw(
        file.fields,
        _basis(file),
        np.array(file.flux),
        np.array(file.diffusivity).reshape(len(file.fields), -1),
        np.array(file.lower),
        np.array(file.upper),
        file.odd,
        None if file.terms is None else _terms(file.terms, len(file.fields)),
        np.array(file.reach),
    )
    count = len(file.coefficients.names)
    return SavedLaw(
        law,
        file.units,
        dict(zip(file.coefficients.names, file.coefficients.values, strict=True)),
        np.array(file.coefficients.covariance).reshape(count, count),
        file.scheme,
        file.fit,
    )


def _described(basis: Basis) -> ChebyshevBasis | KinkedBasis | TensorBasis | DictionaryBasis:
    if isinstance(basis, Kinked):
        of = basis.smooth
        middle, half = float(of.middle[0]), float(of.half[0])
        return KinkedBasis(middle, half, of.size, _row(basis.at), float(basis.width))
    if isinstance(basis, Chebyshev):
        return ChebyshevBasis(float(basis.middle[0]), float(basis.half[0]), basis.size)
    if isinstance(basis, TensorChebyshev):
        return TensorBasis(_row(basis.middle), _row(basis.half), basis.degree)
    if isinstance(basis, Dictionary):
        return DictionaryBasis(_row(basis.scale), basis.exponents)
    raise ValueError(f"A law in a basis of the type {type(basis).__name__} cannot be saved.")


def _basis(file: LawFile) -> Basis:
    of = file.basis
    if isinstance(of, ChebyshevBasis | KinkedBasis):
        smooth = Chebyshev(np.array([of.middle]), np.array([of.half]), of.size)
        return Kinked(smooth, np.array(of.at), of.width) if isinstance(of, KinkedBasis) else smooth
    if isinstance(of, TensorBasis):
        return TensorChebyshev(np.array(of.middle), np.array(of.half), of.degree, len(of.middle))
    return Dictionary(np.array(of.scale), of.exponents, file.fields)


def _described_terms(terms: Terms) -> FurtherTerms:
    return FurtherTerms(
        _table(terms.by_state),
        _table(terms.source_by_place),
        _row(terms.flux_by_place),
        _row(terms.flux_offset),
        float(terms.modes.lower),
        float(terms.modes.upper),
        terms.modes.count,
        terms.modes.periodic,
    )


def _terms(of: FurtherTerms, fields: int) -> Terms:
    return Terms(
        np.array(of.source_by_state).reshape(fields, -1),
        np.array(of.source_by_place).reshape(fields, -1),
        np.array(of.flux_by_place),
        np.array(of.flux_offset),
        PlaceModes(of.lower, of.upper, of.modes, of.periodic),
    )


def _row(numbers: Any) -> Row:
    return tuple(map(float, np.asarray(numbers, float).ravel()))


def _table(numbers: Any) -> Table:
    return tuple(_row(row) for row in np.asarray(numbers, float))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a key twice")
    return found


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"the whole number {digits[:20]}… is too long")
    return int(digits)


def _made_by() -> str:
    try:
        return f"hfluxno {version('hfluxno')}"
    except PackageNotFoundError:  # run from the sources
        return "hfluxno"
