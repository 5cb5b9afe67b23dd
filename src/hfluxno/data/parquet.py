"""Tables in Parquet files, whose size in memory is known from the end of the file.

pyarrow is imported on use, because only an extra installs it.
"""

from pathlib import Path

import pandas as pd

_BYTES = 8  # of an entry: a number, or the place of a text


def size_in_memory(path: Path) -> int:
    """The bytes that a table takes, of which few may be in the file: equal entries take none."""
    import pyarrow.parquet as pq

    about = pq.read_metadata(path)
    groups = [about.row_group(i) for i in range(about.num_row_groups)]
    columns = [group.column(j) for group in groups for j in range(group.num_columns)]
    each = (max(c.total_uncompressed_size, _BYTES * c.num_values) for c in columns)
    return max(sum(each), _BYTES * about.num_rows * about.num_columns)


def read_parquet(path: Path) -> pd.DataFrame:
    """The columns, and the index if it has a name: it may hold the times."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def is_text(kind: pa.DataType) -> bool:
        return pa.types.is_string(kind) or pa.types.is_large_string(kind)

    # A long text in a million lines is stored once, and must not be unpacked a million times.
    texts = [field.name for field in pq.read_schema(path) if is_text(field.type)]
    frame = pd.read_parquet(path, engine="pyarrow", read_dictionary=texts)
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    return frame.astype({name: object for name in texts if name in frame.columns})
