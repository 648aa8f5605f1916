"""pyiceberg as a client of the SQL catalog.

Input: {"catalog": {property: value}, "steps": [step]}; a step is {"do": one of the functions below, "namespace": [level], "table": name, …}.
Output: what each step found, or {"error": name of the exception, "message": text} of the last one.
"""

import datetime
import decimal
import json
import sys
import time
import warnings

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, ServiceUnavailableError
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)
from pyiceberg.schema import Schema

TYPES = {
    "string": StringType(),
    "int": IntegerType(),
    "long": LongType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "date": DateType(),
    "timestamp": TimestampType(),
    "decimal(8, 2)": DecimalType(8, 2),
    "decimal(12, 2)": DecimalType(12, 2),
}


def text_of(value):
    """As Trino sends it: numbers and booleans as they are, all else as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    return value.isoformat()


class Client:
    def __init__(self, properties: dict):
        self.catalog = load_catalog("studylake", **properties)

    def load(self, step: dict):
        return self.catalog.load_table((*step["namespace"], step["table"]))

    def tables(self, step: dict) -> list[str]:
        return sorted(name[-1] for name in self.catalog.list_tables(tuple(step["namespace"])))

    def schema(self, step: dict) -> list[list]:
        return [[field.name, str(field.field_type)] for field in self.load(step).schema().fields]

    def rows(self, step: dict) -> list[list]:
        """All rows, in the order of the first column."""
        table = self.load(step).scan().to_arrow()
        rows = [[text_of(value) for value in row.values()] for row in table.to_pylist()]
        return sorted(rows, key=lambda row: (row[0] is None, row[0]))

    def create(self, step: dict) -> None:
        fields = [NestedField(at + 1, name, TYPES[kind]) for at, (name, kind) in enumerate(step["columns"])]
        self.catalog.create_table((*step["namespace"], step["table"]), Schema(*fields))

    def append(self, step: dict) -> int:
        """How often it was refused because another was first. Of a commit that is sure not to be done nothing is there, so it is made again."""
        refusals = 0
        for attempt in range(1, step.get("attempts", 1) + 1):
            try:
                table = self.load(step)
                table.append(arrow(table, step["rows"]))
                return refusals
            except (CommitFailedException, ServiceUnavailableError) as error:
                if attempt == step.get("attempts", 1):
                    raise
                refusals += isinstance(error, CommitFailedException)
                time.sleep(0.05 * attempt)
        raise AssertionError

    def delete(self, step: dict) -> None:
        self.load(step).delete(step["where"])

    def evolve(self, step: dict) -> None:
        with self.load(step).update_schema() as update:
            for name, kind in step.get("add", {}).items():
                update.add_column(name, TYPES[kind])
            for name, to in step.get("rename", {}).items():
                update.rename_column(name, to)
            for name, kind in step.get("widen", {}).items():
                update.update_column(name, field_type=TYPES[kind])
            for name in step.get("drop", []):
                update.delete_column(name)

    def write_batches(self, step: dict) -> list[dict]:
        """Batches of rows, one after another; of each whether it was committed: true, or null where nobody knows."""
        outcomes = []
        for batch in range(step["batches"]):
            rows = [{"writer": step["writer"], "batch": batch, "seq": at} for at in range(step["size"])]
            try:
                refusals = self.append({**step, "rows": rows})
                outcomes.append({"batch": batch, "committed": True, "refusals": refusals})
            except CommitStateUnknownException:
                outcomes.append({"batch": batch, "committed": None, "refusals": 0})
        return outcomes


def arrow(table, rows: list[dict]) -> pa.Table:
    schema = table.schema().as_arrow()
    parsed = [{field.name: parse(row.get(field.name), field.type) for field in schema} for row in rows]
    return pa.Table.from_pylist(parsed, schema=schema)


def parse(value, kind: pa.DataType):
    if not isinstance(value, str):
        return value
    if pa.types.is_decimal(kind):
        return decimal.Decimal(value)
    if pa.types.is_date(kind):
        return datetime.date.fromisoformat(value)
    if pa.types.is_timestamp(kind):
        return datetime.datetime.fromisoformat(value)
    return value


warnings.simplefilter("ignore")
request = json.load(sys.stdin)
client = Client(request["catalog"])
found = []
for step in request["steps"]:
    try:
        found.append(getattr(client, step["do"])(step))
    except Exception as error:
        if not step.get("mayFail"):
            raise
        found.append({"error": type(error).__name__, "message": str(error)})
json.dump(found, sys.stdout)
