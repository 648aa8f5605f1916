"""Compares our files with what pyarrow makes of the same input; exits with 1 and says where they differ.

    python verify.py convert DATA.csv CONTENTS.csv OURS.parquet
    python verify.py keys RAW.parquet OURS.parquet KEY=COLUMN[,COLUMN] ...
"""
import csv
import sys

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as pc
import pyarrow.parquet as pq


def compare(name, ours, theirs):
    if ours.type != theirs.type:
        ours = ours.cast(theirs.type)
    if not ours.combine_chunks().equals(theirs.combine_chunks()):
        sys.exit(f"column {name} differs")


def verify_convert(source, contents, ours):
    def arrow_type(row):
        if row["TYPE"] == "2":
            return pa.string()
        return {"8.": pa.int64(), "E8601DA.": pa.date32()}.get(row["FORMAT"], pa.float64())

    with open(contents, newline="") as file:
        types = {row["NAME"]: arrow_type(row) for row in csv.DictReader(file)}
    written = pq.ParquetFile(ours)
    expected = pc.open_csv(
        source,
        read_options=pc.ReadOptions(block_size=64 << 20),
        parse_options=pc.ParseOptions(newlines_in_values=True),
        convert_options=pc.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""]),
    )
    if written.schema_arrow.names != list(types):
        sys.exit(f"columns {written.schema_arrow.names}")
    # Both are read in step: the largest file has a gigabyte.
    batches = written.iter_batches(batch_size=1 << 17)
    pending = pa.Table.from_batches([], written.schema_arrow)
    rows = 0
    for batch in expected:
        while pending.num_rows < batch.num_rows:
            pending = pa.concat_tables([pending, pa.Table.from_batches([next(batches)])])
        mine, pending = pending.slice(0, batch.num_rows), pending.slice(batch.num_rows)
        for name in types:
            compare(name, mine.column(name), pa.chunked_array([batch.column(name)]))
        rows += batch.num_rows
    if rows != written.metadata.num_rows:
        sys.exit(f"{written.metadata.num_rows} rows in place of {rows}")


def verify_keys(source, ours, *entities):
    raw, base = pq.read_table(source), pq.read_table(ours)
    for name in raw.column_names:
        compare(name, base.column(name), raw.column(name))
    for entity in entities:
        key, names = entity.split("=")
        columns = names.split(",")
        pairs = base.select([*columns, key]).group_by([*columns, key]).aggregate([]).drop_null()
        naturals = pairs.select(columns).group_by(columns).aggregate([])
        keys = compute.count_distinct(pairs.column(key)).as_py()
        if not len(pairs) == len(naturals) == keys:
            sys.exit(f"{key}: {keys} keys and {len(pairs)} pairs for {len(naturals)} natural keys")
        present = compute.is_valid(base.column(columns[0]))
        for column in columns[1:]:
            present = compute.and_(present, compute.is_valid(base.column(column)))
        if not compute.is_valid(base.column(key)).equals(present):
            sys.exit(f"{key} is not null exactly where a part of its natural key is")


job, *arguments = sys.argv[1:]
{"convert": verify_convert, "keys": verify_keys}[job](*arguments)
