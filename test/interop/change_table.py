"""Changes a table with pyiceberg, as an engine would.

Input: {"metadata": "s3://…metadata.json", "steps": [{"append": [row, …]} | {"delete": "SQL-like filter"} | {"rename": [from, to]} |
{"add": [name, "double"]} | {"partition": column} | {"properties": {…}}]}; a column's value may be a number or text.
Output: {"metadata": address of the new metadata document, "rows": [row, …] as pyiceberg reads them}
"""

import json
import sys

import pyarrow
from lake_io import PROPERTIES
from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.types import DoubleType

request = json.load(sys.stdin)
catalog = InMemoryCatalog("lake", **PROPERTIES)
catalog.create_namespace("study")
table = catalog.register_table("study.table", request["metadata"])

for step in request["steps"]:
    (kind, value), = step.items()
    if kind == "append":
        table.append(pyarrow.Table.from_pylist(value, schema=table.schema().as_arrow()))
    elif kind == "delete":
        table.delete(value)
    elif kind == "rename":
        with table.update_schema() as update:
            update.rename_column(*value)
    elif kind == "add":
        with table.update_schema() as update:
            update.add_column(value[0], DoubleType())
    elif kind == "partition":
        with table.update_spec() as update:
            update.add_identity(value)
    elif kind == "properties":
        with table.transaction() as transaction:
            transaction.set_properties(value)
    else:
        raise ValueError(f"unknown step {kind}")

json.dump({"metadata": table.metadata_location, "rows": table.scan().to_arrow().to_pylist()}, sys.stdout, default=str)
