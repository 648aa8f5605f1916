"""What SQL has to find in the versions of a study, by Python's own reading of the delivered files. Nothing of lib is used.

Input: {"versions": [{"name", "folder"}], "encoding", "entities": {entity: [column]} or null,
        "differences": [[version, version]],
        "joins": [{"version", "steps": [{"dataset", "to": dataset, "by": [column]}], "select": [[dataset, column]]}]}
Output: {"tables": {version: {"raw.dm": {"rows", "checksum", "columns": [{"name", "type", "comment"}]}}},
         "differences": {"v2 v3": {dataset: {"rows", "checksum", "columns": [name]}}}, "joins": [{"rows", "checksum"}]}

A checksum does not depend on the order of rows: the sum, over the rows, of the first 8 bytes of the MD5 of the row's text.
"""

import hashlib
import json
import os
import struct
import sys

from declared import Column, read_contents
from delivered import read_values
from natural_keys import Authority, entities_of

TRINO_TYPES = {
    "string": "varchar",
    "integer": "integer",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp(6)",
    "time": "time(6)",
}


def trino_type(column: Column) -> str:
    return f"decimal({column.precision},{column.scale})" if column.kind == "decimal" else TRINO_TYPES[column.kind]


def cell_text(value, kind: str) -> str:
    """As Trino casts it to text; a double is its bits. With its length before it, so that no two rows have one text."""
    if value is None:
        return "-"
    match kind:
        case "double":
            text = struct.pack(">d", value).hex().upper()
        case "decimal":
            text = format(value, "f")
        case "boolean":
            text = "true" if value else "false"
        case "timestamp":
            text = value.isoformat(sep=" ", timespec="microseconds")
        case "time":
            text = value.isoformat(timespec="microseconds")
        case "date":
            text = value.isoformat()
        case _:
            text = str(value)
    return f"{len(text)}:{text}"


def row_texts(columns: list[Column], values: list[list]) -> list[str]:
    texts = [[cell_text(value, column.kind) for value in part] for column, part in zip(columns, values, strict=True)]
    return ["".join(row) for row in zip(*texts)]


def summarise(texts) -> dict:
    checksum = sum(int.from_bytes(hashlib.md5(text.encode()).digest()[:8], "big", signed=True) for text in texts)
    return {"rows": len(texts), "checksum": str(checksum)}


def describe_columns(columns: list[Column]) -> list[dict]:
    return [{"name": column.name.lower(), "type": trino_type(column), "comment": column.label or ""} for column in columns]


def find_file(folder: str, dataset: str) -> str:
    [name] = [name for name in os.listdir(folder) if name.lower() == f"{dataset}.csv"]
    return os.path.join(folder, name)


class Version:
    def __init__(self, name: str, folder: str, encoding: str):
        self.name = name
        self.contents = read_contents(os.path.join(folder, "contents.csv"), encoding)
        self.values = {
            dataset: read_values(find_file(folder, dataset), encoding, columns)
            for dataset, columns in self.contents.items()
        }

    def column(self, dataset: str, name: str) -> tuple[Column, list]:
        [at] = [at for at, column in enumerate(self.contents[dataset]) if column.name == name]
        return self.contents[dataset][at], self.values[dataset][at]

    def tables(self, authority: Authority, entities) -> dict:
        tables = {}
        for dataset, columns in self.contents.items():
            values = self.values[dataset]
            own = [entity for entity in entities if entity.positions(columns)]
            keys = [authority.keys_of(entity, columns, values) for entity in own]
            tables[f"raw.{dataset}"] = (columns, values)
            tables[f"base.{dataset}"] = (columns + [entity.key_column() for entity in own], values + keys)
        for entity in entities:
            tables[f"keys.{entity.name}"] = authority.table(entity)
        return {
            name: {**summarise(row_texts(columns, values)), "columns": describe_columns(columns)}
            for name, (columns, values) in tables.items()
        }


def differ(one: Version, other: Version) -> dict:
    """The distinct rows that are in `one` and not in `other`, of the columns that both have."""
    found = {}
    for dataset in one.contents.keys() & other.contents.keys():
        names = [column.name for column in one.contents[dataset]]
        common = [name for name in names if name in {column.name for column in other.contents[dataset]}]
        texts = []
        for version in (one, other):
            columns, values = zip(*(version.column(dataset, name) for name in common))
            texts.append(set(row_texts(list(columns), list(values))))
        found[dataset] = {**summarise(texts[0] - texts[1]), "columns": [name.lower() for name in common]}
    return found


def join(version: Version, steps: list[dict], select: list[list[str]]) -> dict:
    """Rows of the first dataset, each with all rows of every further one that have its values in the columns `by`."""
    rows = [{steps[0]["dataset"]: at} for at in range(len(version.values[steps[0]["dataset"]][0]))]
    for step in steps[1:]:
        index: dict[tuple, list[int]] = {}
        for at, key in enumerate(zip(*(version.column(step["dataset"], name)[1] for name in step["by"]))):
            if None not in key:
                index.setdefault(key, []).append(at)
        lookup = [version.column(step["to"], name)[1] for name in step["by"]]
        rows = [
            {**row, step["dataset"]: at}
            for row in rows
            for at in index.get(tuple(values[row[step["to"]]] for values in lookup), [])
        ]
    columns = [version.column(dataset, name) for dataset, name in select]
    values = [[part[row[dataset]] for row in rows] for (dataset, _), (_, part) in zip(select, columns)]
    return summarise(row_texts([column for column, _ in columns], values))


def fail(*problem) -> None:
    raise ValueError(", ".join(str(part) for part in problem))


request = json.load(sys.stdin)
versions = [Version(version["name"], version["folder"], request["encoding"]) for version in request["versions"]]
by_name = {version.name: version for version in versions}
authority = Authority(fail)
tables = {}
for version in versions:
    entities = entities_of(version.contents, request["entities"])
    for entity in entities:
        authority.deliver(version.name, entity, version.contents, version.values)
    tables[version.name] = version.tables(authority, entities)
report = {
    "tables": tables,
    "differences": {f"{one} {other}": differ(by_name[one], by_name[other]) for one, other in request["differences"]},
    "joins": [join(by_name[wanted["version"]], wanted["steps"], wanted["select"]) for wanted in request["joins"]],
}
json.dump(report, sys.stdout)
