"""Works with a catalog as people do who use pyiceberg, one step after the other.

Input: {"catalog": {"uri", "token", …}, "steps": [{"do": name, …}, …]}; a namespace and a table are lists of names, `columns` are
{name: type of pyarrow}, `rows` are [{column: value}, …].
Output: for each step {"value": what it gave} or {"error": name of the exception, "message": its text}
"""

import json
import sys

import pyarrow
from lake_io import PROPERTIES
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.table import CommitTableRequest, TableIdentifier
from pyiceberg.types import DoubleType, IntegerType, LongType, StringType

TYPES = {"int": IntegerType(), "long": LongType(), "double": DoubleType(), "string": StringType()}


def arrow_schema(columns: dict[str, str]) -> pyarrow.Schema:
    return pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in columns.items()])


class Steps:
    def __init__(self, properties: dict[str, str]):
        self.catalog = RestCatalog("studylake", **PROPERTIES, **properties)

    def rows_of(self, table, rows: list[dict]) -> pyarrow.Table:
        return pyarrow.Table.from_pylist(rows, schema=table.schema().as_arrow())

    def namespaces(self, parent=()):
        return self.catalog.list_namespaces(tuple(parent))

    def namespace_exists(self, namespace):
        return self.catalog.namespace_exists(tuple(namespace))

    def tables(self, namespace):
        return [name[-1] for name in self.catalog.list_tables(tuple(namespace))]

    def exists(self, table):
        return self.catalog.table_exists(tuple(table))

    def read(self, table, sort=None):
        loaded = self.catalog.load_table(tuple(table))
        read = loaded.scan().to_arrow()
        return {
            "rows": (read.sort_by(sort) if sort else read).to_pylist(),
            "columns": {field.name: str(field.field_type) for field in loaded.schema().fields},
            "snapshots": len(loaded.snapshots()),
            "uuid": str(loaded.metadata.table_uuid),
            "metadata": loaded.metadata_location,
            "files": [file["file_path"] for file in loaded.inspect.files().to_pylist()] if loaded.snapshots() else [],
        }

    def read_all(self, namespace):
        names = self.catalog.list_tables(tuple(namespace))
        return {name[-1]: self.catalog.load_table(name).scan().to_arrow().to_pylist() for name in names}

    def create(self, table, columns):
        self.catalog.create_table(tuple(table), arrow_schema(columns))

    def create_as(self, table, columns, rows):
        schema = arrow_schema(columns)
        with self.catalog.create_table_transaction(tuple(table), schema) as transaction:
            transaction.append(pyarrow.Table.from_pylist(rows, schema=schema))

    def append(self, table, rows):
        loaded = self.catalog.load_table(tuple(table))
        loaded.append(self.rows_of(loaded, rows))

    def overwrite(self, table, rows, where):
        loaded = self.catalog.load_table(tuple(table))
        loaded.overwrite(self.rows_of(loaded, rows), overwrite_filter=where)

    def upsert(self, table, rows, by):
        loaded = self.catalog.load_table(tuple(table))
        result = loaded.upsert(self.rows_of(loaded, rows), join_cols=by)
        return [result.rows_updated, result.rows_inserted]

    def delete(self, table, where):
        self.catalog.load_table(tuple(table)).delete(where)

    def evolve(self, table, add={}, drop=(), rename={}, widen={}):
        with self.catalog.load_table(tuple(table)).update_schema(allow_incompatible_changes=True) as update:
            for name, kind in add.items():
                update.add_column(name, TYPES[kind])
            for name, kind in widen.items():
                update.update_column(name, TYPES[kind])
            for old, new in rename.items():
                update.rename_column(old, new)
            for name in drop:
                update.delete_column(name)

    def partition(self, table, column):
        with self.catalog.load_table(tuple(table)).update_spec() as update:
            update.add_identity(column)

    def set_properties(self, table, properties):
        with self.catalog.load_table(tuple(table)).transaction() as transaction:
            transaction.set_properties(properties)

    def drop(self, table):
        self.catalog.drop_table(tuple(table))

    def purge(self, table):
        self.catalog.purge_table(tuple(table))

    def rename(self, table, to):
        self.catalog.rename_table(tuple(table), tuple(to))

    def register(self, table, metadata):
        self.catalog.register_table(tuple(table), metadata)

    def race(self, table, first, second):
        """Both have read before either writes."""
        one, other = (self.catalog.load_table(tuple(table)) for _ in range(2))
        one.append(self.rows_of(one, first))
        other.append(self.rows_of(other, second))

    def transaction(self, tables, rows):
        """Appends to several tables in one commit, which pyiceberg can prepare and has no call to send."""
        changes = []
        for name in tables:
            loaded = self.catalog.load_table(tuple(name))
            transaction = loaded.transaction()
            transaction.append(self.rows_of(loaded, rows))
            request = CommitTableRequest(
                identifier=TableIdentifier(namespace=name[:-1], name=name[-1]),
                requirements=transaction._requirements,
                updates=transaction._updates,
            )
            changes.append(json.loads(request.model_dump_json()))
        uri = self.catalog.url("transactions/commit")
        answer = self.catalog._session.post(uri, json={"table-changes": changes})
        return answer.status_code

    def run(self, do, **step):
        try:
            return {"value": getattr(self, do)(**step)}
        except Exception as error:
            return {"error": type(error).__name__, "message": str(error)}


request = json.load(sys.stdin)
try:
    steps = Steps(request["catalog"])
except Exception as error:
    json.dump([{"error": type(error).__name__, "message": str(error)}], sys.stdout)
else:
    json.dump([steps.run(**step) for step in request["steps"]], sys.stdout, default=str)
