"""Formats that are not supported, known by their first bytes, and how to convert them."""

import zipfile
from pathlib import Path

_EXCEL = (
    "an Excel workbook; save its sheet as CSV (File, Save as), or in Python by "
    'pandas.read_excel(NAME).to_csv("table.csv", index=False)'
)
_COMPRESSED = "compressed; unpack it first"
_MATLAB = "a MATLAB file; write the data with writetable (CSV) or nccreate and ncwrite (NetCDF)"
_STARTS = {
    b"\xd0\xcf\x11\xe0": _EXCEL,
    b"\x1f\x8b": _COMPRESSED,
    b"BZh": _COMPRESSED,
    b"\xfd7zXZ": _COMPRESSED,
    b"\x28\xb5\x2f\xfd": _COMPRESSED,
    b"\x93NUMPY": (
        "a single array; store it with its axes by "
        'numpy.savez("data.npz", values=array, time=time, x=x)'
    ),
    b"MATLAB": _MATLAB,  # also of version 7.3, which is HDF5 after a block of text
}


def what_else(path: Path) -> str | None:
    """The format of an unsupported file, and what to do; `None` if unknown."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        return "empty; write it again"
    if path.suffix.lower() == ".mat":
        return _MATLAB
    if start.startswith(b"PK\x03\x04"):
        return _archive(path)
    return next((text for mark, text in _STARTS.items() if start.startswith(mark)), None)


def _archive(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if {"[Content_Types].xml", "xl/workbook.xml"} & set(names):
        return _EXCEL
    if "mimetype" in names:
        return "an OpenDocument file; save its sheet as CSV"
    return None if any(name.endswith(".npy") for name in names) else f"{_COMPRESSED} (ZIP)"
