"""Reads tables with pyiceberg and says what it saw.

Input: {"tables": [{"metadata": "s3://…metadata.json", "where": {column: value}}, …]}, `where` being optional
Output: for each table its uuid, properties, schema, snapshots with the schema and rows of each, and its metadata tables `files`,
`manifests` and `entries`.
"""

import json
import sys

from lake_io import PROPERTIES
from pyiceberg.expressions import And, EqualTo
from pyiceberg.table import StaticTable


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def describe_schema(schema):
    return [
        {"id": field.field_id, "name": field.name, "type": str(field.field_type), "required": field.required, "doc": field.doc}
        for field in schema.fields
    ]


def rows(scan):
    return plain(scan.to_arrow().to_pylist())


def describe(metadata, where=None):
    table = StaticTable.from_metadata(metadata, PROPERTIES)
    row_filter = None
    for column, value in (where or {}).items():
        term = EqualTo(column, value)
        row_filter = term if row_filter is None else And(row_filter, term)
    return {
        "uuid": str(table.metadata.table_uuid),
        "properties": table.properties,
        "schema": describe_schema(table.schema()),
        "lastColumnId": table.metadata.last_column_id,
        "rows": rows(table.scan()),
        "filtered": None if row_filter is None else rows(table.scan(row_filter=row_filter)),
        "planned": None if row_filter is None else len(list(table.scan(row_filter=row_filter).plan_files())),
        "current": table.current_snapshot().snapshot_id if table.current_snapshot() else None,
        "snapshots": [
            {
                "id": snapshot.snapshot_id,
                "parent": snapshot.parent_snapshot_id,
                "sequenceNumber": snapshot.sequence_number,
                "time": snapshot.timestamp_ms,
                "operation": snapshot.summary.operation.value,
                "summary": snapshot.summary.additional_properties,
                "schema": describe_schema(table.schemas()[snapshot.schema_id]),
                "rows": rows(table.scan(snapshot_id=snapshot.snapshot_id)),
                "count": table.scan(snapshot_id=snapshot.snapshot_id).count(),
            }
            for snapshot in table.snapshots()
        ],
        # pyiceberg cannot put together the files of a snapshot without manifests.
        "files": plain(table.inspect.files().to_pylist()) if len(table.inspect.manifests()) else [],
        "manifests": plain(table.inspect.manifests().to_pylist()),
        "entries": plain(table.inspect.entries().to_pylist()),
        "history": plain(table.inspect.history().to_pylist()),
    }


request = json.load(sys.stdin)
json.dump([describe(**table) for table in request["tables"]], sys.stdout)
