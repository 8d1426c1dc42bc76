# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a list of photos in Parquet, as catalogues export it, by pyarrow; see `stores` for what a list says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from ..core import extras
from ..errors import Mono3DError

_COLUMNS = ("address", "size", "etag", "mtime")
_ROWS = 4096


def rows(file: BinaryIO, name: str) -> Iterator[Mapping[str, Any]]:
    """Yields the rows of a list, a few thousand in memory at a time: `address`, and what else is known of a photo.

    Raises Mono3DError if it is no Parquet file, has no column `address`, or pyarrow is missing.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise extras.needed("Lists in Parquet", error) from error
    try:
        # Else whole row groups, which may be all of the file, are read ahead.
        table = parquet.ParquetFile(file, pre_buffer=False, buffer_size=2**20)
        columns = [column for column in _COLUMNS if column in table.schema_arrow.names]
        if "address" not in columns:
            raise Mono3DError(f"'{name}' has no column 'address'.")
        for batch in table.iter_batches(_ROWS, columns=columns, use_threads=False):
            yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise Mono3DError(f"'{name}' cannot be read as Parquet ({str(error).splitlines()[0]}).") from error
