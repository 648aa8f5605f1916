"""Writes a Parquet file without field ids, as tools other than Iceberg's do.

Input: {"address": "s3://…parquet", "columns": {name: [value, …]}}; output: {"address": the same}
"""

import json
import os
import sys

import pyarrow
import pyarrow.parquet
from lake_io import path_of

request = json.load(sys.stdin)
path = path_of(request["address"])
os.makedirs(os.path.dirname(path), exist_ok=True)
columns = request["columns"]
pyarrow.parquet.write_table(
    pyarrow.table({name: pyarrow.array(values, pyarrow.string() if isinstance(values[0], str) else pyarrow.int32()) for name, values in columns.items()}),
    path,
)
json.dump({"address": request["address"]}, sys.stdout)
