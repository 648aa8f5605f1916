"""What pyarrow reads in Parquet files, and whether DuckDB and polars, where they are installed, read the same.

Input: {"files": [path]}. Output: one object a file. Values come as exact integers: dates as days, timestamps and times as microseconds,
decimals unscaled; doubles as the hex of their 8 bytes; text and booleans as they are.
"""

import datetime
import decimal
import json
import struct
import sys

import pyarrow as pa
import pyarrow.parquet as pq

decimal.getcontext().prec = 80
EPOCH = datetime.date(1970, 1, 1)
MICRO = datetime.timedelta(microseconds=1)


def scalar(value, type_):
    """A Python value, of a cell or a bound, in the exchange's form."""
    if value is None:
        return None
    if pa.types.is_decimal(type_):
        return int(value.scaleb(type_.scale))
    if pa.types.is_floating(type_):
        return struct.pack("<d", value).hex()
    if pa.types.is_date(type_):
        return (value - EPOCH).days
    if pa.types.is_timestamp(type_):
        return (value - datetime.datetime(1970, 1, 1)) // MICRO
    if pa.types.is_time(type_):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    return value


def cells(column):
    type_ = column.type
    if pa.types.is_date(type_):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(type_) or pa.types.is_time(type_):
        column = column.cast(pa.int64())
    else:
        return [scalar(value, type_) for value in column.to_pylist()]
    return column.to_pylist()


def bounds(group, at, type_):
    """Min, max, nulls; and whether min and max really bound the row group's values."""
    statistics = group[0].column(at).statistics
    if statistics is None:
        return None
    held = [None, None]
    if statistics.has_min_max:
        held = [scalar(statistics.min, type_), scalar(statistics.max, type_)]
    return {"min": held[0], "max": held[1], "nulls": statistics.null_count}


def same_elsewhere(path, table):
    """The names of other readers that are installed, and whether each reads the same table."""
    found = {}
    try:
        import duckdb

        relation = duckdb.connect().sql("select * from read_parquet(?)", params=[path])
        read = relation.to_arrow_table() if hasattr(relation, "to_arrow_table") else relation.arrow()
        read = read.read_all() if hasattr(read, "read_all") else read
        found["duckdb"] = same(table, read)
    except ImportError:
        pass
    try:
        import polars

        found["polars"] = same(table, polars.read_parquet(path).to_arrow())
    except ImportError:
        pass
    return found


def same(table, other):
    if table.schema.names != other.schema.names or table.num_rows != other.num_rows:
        return False
    for name in table.schema.names:
        mine, theirs = table.column(name), other.column(name)
        if pa.types.is_time(mine.type):
            # polars keeps nanoseconds.
            theirs = theirs.cast(pa.time64("us"))
        elif pa.types.is_timestamp(mine.type) and theirs.type != mine.type:
            return False
        if cells(mine) != cells(theirs.cast(mine.type)):
            return False
    return True


def describe(path):
    file = pq.ParquetFile(path)
    table = file.read()
    metadata = file.metadata
    groups = [(metadata.row_group(at),) for at in range(metadata.num_row_groups)]
    return {
        "types": [str(field.type) for field in table.schema],
        "nullable": [field.nullable for field in table.schema],
        "ids": [int(field.metadata[b"PARQUET:field_id"]) for field in table.schema],
        "names": table.schema.names,
        "rowGroups": [group[0].num_rows for group in groups],
        "columns": [cells(column) for column in table.columns],
        "bounds": [[bounds(group, at, field.type) for at, field in enumerate(table.schema)] for group in groups],
        "indexed": [
            [group[0].column(at).has_column_index and group[0].column(at).has_offset_index for at in range(len(table.schema))]
            for group in groups
        ],
        "same": same_elsewhere(path, table),
    }


print(json.dumps([describe(path) for path in json.load(sys.stdin)["files"]]))
