"""Compares the committed tables of a study's versions with what Python itself reads in the delivered files.

Input: {"encoding": codec of files without byte-order mark, "entities": {name: [column]} or null for the usual ones,
        "versions": [{"name", "folder" of the delivered files, "tables": {"raw.dm": "s3://…metadata.json"}}]}, in the order of loading;
        with "catalog": {"study", "properties" of a REST catalog} tables are not given, but found and loaded there
Output: {"problems": [text], "tables": {"v1 raw.dm": {"rows", "cells", "rowGroups", "files": [address]}},
         "joins": {"v1 ae": {"rows": of ae, "joined": with dm by patient_key}}, "ids": {"v1 raw.dm": {column: field id}}}

Problems name version, table, row and column, never a value.
"""

import json
import os
import sys

from compare_tables import Comparison
from declared import read_contents
from lake_io import PROPERTIES
from pyiceberg.catalog.rest import RestCatalog
from delivered import read_values
from natural_keys import Authority, entities_of


def find_file(folder: str, dataset: str) -> str:
    [name] = [name for name in os.listdir(folder) if name.lower() == f"{dataset}.csv"]
    return os.path.join(folder, name)


def load_tables(catalog: dict, version: str) -> dict:
    loader = RestCatalog("studylake", **PROPERTIES, **catalog["properties"])
    namespaces = loader.list_namespaces((f"{catalog['study']}@{version}",))
    names = [name for namespace in namespaces for name in loader.list_tables(namespace)]
    return {".".join(name[1:]): loader.load_table(name) for name in names}


def compare_version(comparison: Comparison, authority: Authority, version: dict, request: dict) -> None:
    contents = read_contents(os.path.join(version["folder"], "contents.csv"), request["encoding"])
    values = {
        dataset: read_values(find_file(version["folder"], dataset), request["encoding"], columns)
        for dataset, columns in contents.items()
    }
    entities = entities_of(contents, request["entities"])
    for entity in entities:
        authority.deliver(version["name"], entity, contents, values)

    tables = dict(version["tables"]) if "tables" in version else load_tables(request["catalog"], version["name"])
    for dataset, columns in contents.items():
        own = [entity for entity in entities if entity.positions(columns)]
        keys = [authority.keys_of(entity, columns, values[dataset]) for entity in own]
        comparison.compare(version["name"], "raw", dataset, tables.pop(f"raw.{dataset}", None), columns, values[dataset])
        comparison.compare(
            version["name"],
            "base",
            dataset,
            tables.pop(f"base.{dataset}", None),
            columns + [entity.key_column() for entity in own],
            values[dataset] + keys,
        )
    for entity in entities:
        columns, expected = authority.table(entity)
        comparison.compare(
            version["name"], "keys", entity.name, tables.pop(f"keys.{entity.name}", None), columns, expected, sort_by=-2
        )
    for name in tables:
        comparison.problem(version["name"], name, "the table is not declared")
    comparison.compare_joins(version["name"], contents, values)


request = json.load(sys.stdin)
comparison = Comparison()
authority = Authority(comparison.problem)
for version in request["versions"]:
    compare_version(comparison, authority, version, request)
json.dump(comparison.report(), sys.stdout)
