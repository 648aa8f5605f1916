"""What a user would run instead of `studylake convert`: one CSV file to typed Parquet, with the types of its contents file.

    python convert.py pandas|pyarrow|polars|duckdb DATA.csv CONTENTS.csv OUT.parquet [CODEC]

Imports only the tool that runs: they are part of what a whole process costs. CODEC is the tool's own choice where left out.
"""
import csv
import sys

tool, source, contents, target, *rest = sys.argv[1:]
codec = rest[0] if rest else None


def kind(row):
    if row["TYPE"] == "2":
        return "text"
    return {"8.": "whole", "E8601DA.": "date"}.get(row["FORMAT"], "real")


with open(contents, newline="") as file:
    kinds = {row["NAME"]: kind(row) for row in csv.DictReader(file)}

if tool == "pandas":
    import pandas as pd

    types = {"text": "string", "whole": "Int64", "real": "float64"}
    frame = pd.read_csv(
        source,
        dtype={name: types[kind] for name, kind in kinds.items() if kind in types},
        parse_dates=[name for name, kind in kinds.items() if kind == "date"],
    )
    frame.to_parquet(target, **({"compression": codec} if codec else {}))
elif tool == "pyarrow":
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "whole": pa.int64(), "real": pa.float64(), "date": pa.date32()}
    table = pc.read_csv(
        source,
        parse_options=pc.ParseOptions(newlines_in_values=True),
        convert_options=pc.ConvertOptions(
            column_types={name: types[kind] for name, kind in kinds.items()}, strings_can_be_null=True
        ),
    )
    pq.write_table(table, target, **({"compression": codec} if codec else {}))
elif tool == "polars":
    import polars as pl

    types = {"text": pl.String, "whole": pl.Int64, "real": pl.Float64, "date": pl.Date}
    lazy = pl.scan_csv(source, schema_overrides={name: types[kind] for name, kind in kinds.items()})
    lazy.sink_parquet(target, **({"compression": codec} if codec else {}))
elif tool == "duckdb":
    import duckdb

    types = {"text": "VARCHAR", "whole": "BIGINT", "real": "DOUBLE", "date": "DATE"}
    columns = {name: types[kind] for name, kind in kinds.items()}
    options = f", compression {codec}" if codec else ""
    duckdb.sql(
        f"copy (from read_csv('{source}', header=true, delim=',', quote='\"', columns={columns})) "
        f"to '{target}' (format parquet{options})"
    )
else:
    sys.exit(f"unknown tool {tool}")
