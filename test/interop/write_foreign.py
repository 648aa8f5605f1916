"""Writes tables as pyiceberg's users do, each in a way of its own.

Input: {"bucket": "lake", "study": "trial"}
Output: {name of the table: address of its metadata document}
"""

import datetime
import decimal
import json
import os
import sys
import uuid

import pyarrow
import pyarrow.parquet
from lake_io import PROPERTIES, path_of
from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BinaryType, BooleanType, DateType, DecimalType, DoubleType, FixedType, FloatType, IntegerType, ListType, LongType, MapType,
    NestedField, StringType, StructType, TimestampType, TimestamptzType, TimeType, UUIDType,
)

request = json.load(sys.stdin)
base = f"s3://{request['bucket']}/data/{request['study']}/work"
catalog = InMemoryCatalog("lake", warehouse=base, **PROPERTIES)
catalog.create_namespace("work")
written = {}


def create(name, schema, **options):
    return catalog.create_table(f"work.{name}", schema=schema, location=f"{base}/{name}", **options)


def done(name, table):
    written[name] = table.metadata_location


def rows(table, *items):
    table.append(pyarrow.Table.from_pylist(list(items), schema=table.schema().as_arrow()))


day = datetime.date(2024, 2, 29)
moment = datetime.datetime(2024, 2, 29, 12, 30, 15, 123456)

everything = Schema(
    NestedField(1, "b", BooleanType(), required=True),
    NestedField(2, "i", IntegerType(), doc="an int"),
    NestedField(3, "l", LongType()),
    NestedField(4, "f", FloatType()),
    NestedField(5, "d", DoubleType()),
    NestedField(6, "small", DecimalType(7, 2)),
    NestedField(7, "middle", DecimalType(17, 3)),
    NestedField(8, "large", DecimalType(38, 10)),
    NestedField(9, "day", DateType()),
    NestedField(10, "clock", TimeType()),
    NestedField(11, "ts", TimestampType()),
    NestedField(12, "tz", TimestamptzType()),
    NestedField(13, "text", StringType()),
    NestedField(14, "id", UUIDType()),
    NestedField(15, "fix", FixedType(5)),
    NestedField(16, "bytes", BinaryType()),
    NestedField(17, "fix16", FixedType(16)),
    NestedField(18, "inner", StructType(NestedField(19, "x", IntegerType(), required=True), NestedField(20, "y", StringType()))),
    NestedField(21, "items", ListType(22, StructType(NestedField(23, "z", DoubleType()))), required=False),
    NestedField(24, "pairs", MapType(25, StringType(), 26, ListType(27, LongType(), element_required=False), value_required=False)),
)
table = create("everything", everything)
full = dict(
    b=True, i=1, l=2**40, f=1.5, d=2.5, small=decimal.Decimal("12345.67"), middle=decimal.Decimal("1.234"),
    large=decimal.Decimal("1234567890.0123456789"), day=day, clock=moment.time(), ts=moment,
    tz=moment.replace(tzinfo=datetime.timezone.utc), text="t", id=uuid.UUID(int=7).bytes, fix=b"12345", bytes=b"b", fix16=b"0" * 16,
    inner={"x": 1, "y": None}, items=[{"z": 1.0}, None], pairs=[("k", [1, None])],
)
rows(table, full, {"b": False})
done("everything", table)

plain = Schema(NestedField(1, "id", IntegerType()), NestedField(2, "name", StringType()), NestedField(3, "value", FloatType()),
               NestedField(4, "price", DecimalType(9, 2)))
done("without_snapshot", create("without_snapshot", plain))

table = create("files", plain)
for number in range(4):
    rows(table, {"id": number, "name": "n", "value": 0.5}, {"id": number + 10})
table.delete("id == 11")
table.overwrite(pyarrow.Table.from_pylist([{"id": 12, "name": "o"}], schema=table.schema().as_arrow()), overwrite_filter="id == 12")
done("files", table)

table = create("evolved", plain)
rows(table, {"id": 1, "name": "a", "value": 1.5, "price": decimal.Decimal("1.10")})
with table.update_schema() as update:
    update.add_column("added", TimestamptzType(), doc="came later")
    update.add_column("nested", StructType(NestedField(100, "p", IntegerType(), required=False)))
with table.update_schema() as update:
    update.rename_column("name", "title")
    update.update_column("id", field_type=LongType())
    update.update_column("value", field_type=DoubleType())
    update.update_column("price", field_type=DecimalType(20, 2))
rows(table, {"id": 2**40, "title": "b", "value": 2.5, "price": decimal.Decimal("123456789012.10"), "nested": {"p": 1}})
with table.update_schema() as update:
    update.delete_column("title")
    update.add_column(("nested", "q"), StringType())
    update.rename_column("nested.p", "r")
with table.update_schema() as update:
    update.move_first("value")
rows(table, {"id": 3, "value": 3.5, "nested": {"r": 1, "q": "q"}})
done("evolved", table)

table = create(
    "partitioned",
    Schema(NestedField(1, "site", StringType()), NestedField(2, "at", TimestampType()), NestedField(3, "n", LongType())),
    partition_spec=PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "site")),
    sort_order=SortOrder(SortField(3, IdentityTransform())),
)
rows(table, {"site": "a", "at": moment, "n": 1}, {"site": None, "at": None, "n": 2}, {"site": "b/ä %", "at": moment, "n": 3})
with table.update_spec() as update:
    update.remove_field("site")
    update.add_field("n", IdentityTransform(), "number")
rows(table, {"site": "a", "at": moment, "n": 9})
table.delete("site == 'a'")
done("partitioned", table)

table = create("odd_names", Schema(NestedField(1, "1st value", IntegerType()), NestedField(2, "gä-ß ", StringType()),
                                   NestedField(3, "a.b", StringType()), NestedField(4, "in ner", StructType(NestedField(5, "x y", LongType())))))
rows(table, {"1st value": 1, "gä-ß ": "x", "a.b": "y", "in ner": {"x y": 1}})
done("odd_names", table)

table = create("mapped", Schema(NestedField(1, "id", LongType()), NestedField(2, "tags", ListType(3, StringType(), element_required=False)),
                                NestedField(4, "in", StructType(NestedField(5, "x", IntegerType())))))
path = f"{base}/mapped/data/plain.parquet"
os.makedirs(os.path.dirname(path_of(path)), exist_ok=True)
pyarrow.parquet.write_table(
    pyarrow.table({
        "id": pyarrow.array([1, None], pyarrow.int64()), "tags": pyarrow.array([["a"], None], pyarrow.list_(pyarrow.string())),
        "in": pyarrow.array([{"x": 1}, None], pyarrow.struct([("x", pyarrow.int32())])),
    }), path_of(path))
table.add_files([path])
rows(table, {"id": 2, "tags": []})
done("mapped", table)

table = create("rolled_back", plain)
rows(table, {"id": 1})
first = table.current_snapshot().snapshot_id
rows(table, {"id": 2})
with table.manage_snapshots() as snapshots:
    snapshots.create_tag(first, "before")
    snapshots.create_branch(first, "other")
with table.transaction() as transaction:
    transaction.set_properties({"write.metadata.compression-codec": "none"})
table.overwrite(pyarrow.Table.from_pylist([{"id": 5}], schema=table.schema().as_arrow()))
done("rolled_back", table)

table = create("upserted", Schema(NestedField(1, "id", LongType(), required=True), NestedField(2, "v", StringType()), identifier_field_ids=[1]))
rows(table, {"id": 1, "v": "a"}, {"id": 2, "v": "b"})
table.upsert(pyarrow.Table.from_pylist([{"id": 2, "v": "c"}, {"id": 3, "v": "d"}], schema=table.schema().as_arrow()))
done("upserted", table)

table = create("expired", plain)
for number in range(3):
    rows(table, {"id": number})
table.maintenance.expire_snapshots().by_id(table.snapshots()[0].snapshot_id).commit()
done("expired", table)

json.dump(written, sys.stdout)
