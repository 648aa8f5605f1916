"""Compares tables, as pyiceberg and pyarrow read them, with declared columns and expected values."""

import struct

import pyarrow as pa
import pyarrow.parquet as pq
from lake_io import PROPERTIES, path_of
from pyiceberg.table import StaticTable

from declared import Column


def exact(values: list, kind: str) -> list:
    """Doubles by their bits: 0 and -0 differ, and nothing is rounded."""
    if kind != "double":
        return values
    return [None if value is None else struct.pack("<d", value) for value in values]


class Comparison:
    def __init__(self):
        self.problems: list[str] = []
        self.tables: dict[str, dict] = {}
        self.ids: dict[str, dict[str, int]] = {}
        self.joins: dict[str, dict] = {}
        self.read: dict[str, pa.Table] = {}

    def report(self) -> dict:
        return {"problems": self.problems, "tables": self.tables, "ids": self.ids, "joins": self.joins}

    def problem(self, *parts) -> None:
        self.problems.append(", ".join(str(part) for part in parts))

    def same(self, expected, found, *place) -> bool:
        if expected != found:
            self.problem(*place, "differs")
        return expected == found

    def compare(self, version, layer, dataset, metadata, columns: list[Column], values: list[list], sort_by=None) -> None:
        """`metadata`: of the table, an address or the table itself. `sort_by`: the position of the column that orders the rows, where the
        order of the rows means nothing.
        """
        name = f"{version} {layer}.{dataset}"
        if metadata is None:
            self.problem(name, "the table is missing")
            return
        table = StaticTable.from_metadata(metadata, PROPERTIES) if isinstance(metadata, str) else metadata
        self.compare_schema(name, table, columns)
        files = table.inspect.files().to_pylist()
        parquet = [pq.ParquetFile(path_of(file["file_path"])) for file in files]
        for file, entry in zip(parquet, files):
            self.compare_file(name, table, file, entry, columns)

        scanned = table.scan().to_arrow()
        plain = pa.concat_tables([file.read() for file in parquet])
        for reader, read in (("pyiceberg", scanned), ("pyarrow", plain)):
            if sort_by is not None:
                read = read.sort_by(read.schema.names[sort_by])
            self.compare_values(name, reader, read, columns, values)
        self.same(len(values[0]), table.scan().count(), name, "count of pyiceberg")
        if len(files) == 1:
            self.compare_bounds(name, files[0], columns, values)
            self.compare_row_groups(name, parquet[0], columns, values)
        self.read[name] = scanned
        self.tables[name] = {
            "rows": scanned.num_rows,
            "cells": scanned.num_rows * len(columns),
            "rowGroups": sum(file.num_row_groups for file in parquet),
            "files": [file["file_path"] for file in files],
        }

    def compare_schema(self, name, table, columns: list[Column]) -> None:
        fields = table.schema().fields
        expected = [(column.name, column.iceberg, not column.nullable, column.label) for column in columns]
        found = [(field.name, str(field.field_type), field.required, field.doc) for field in fields]
        self.same(expected, found, name, "Iceberg schema")
        self.same(len(fields), len({field.field_id for field in fields}), name, "number of distinct field ids")
        self.ids[name] = {field.name: field.field_id for field in fields}

    def compare_file(self, name, table, file: pq.ParquetFile, entry: dict, columns: list[Column]) -> None:
        schema = file.schema_arrow
        expected = [(column.name, column.arrow, column.nullable) for column in columns]
        self.same(expected, [(field.name, field.type, field.nullable) for field in schema], name, "Parquet schema")
        ids = [int(field.metadata[b"PARQUET:field_id"]) for field in schema]
        self.same([field.field_id for field in table.schema().fields], ids, name, "field ids of Parquet")
        self.same(entry["record_count"], file.metadata.num_rows, name, "record count of the manifest")

    def compare_values(self, name, reader, read: pa.Table, columns: list[Column], values: list[list]) -> None:
        if not self.same(len(values[0]), read.num_rows, name, reader, "number of rows"):
            return
        for position, (column, expected) in enumerate(zip(columns, values, strict=True)):
            mine, theirs = exact(expected, column.kind), exact(read.column(position).to_pylist(), column.kind)
            if mine == theirs:
                continue
            rows = [row + 1 for row, (one, other) in enumerate(zip(mine, theirs)) if one != other]
            self.problem(name, reader, f"row {rows[0]}", f"column {column.name}", f"{len(rows)} cells differ")

    def compare_bounds(self, name, entry: dict, columns: list[Column], values: list[list]) -> None:
        metrics = entry["readable_metrics"]
        for column, cells in zip(columns, values, strict=True):
            metric = metrics[column.name]
            present = [value for value in cells if value is not None]
            place = (name, f"metrics of column {column.name}")
            self.same(len(cells), metric["value_count"], *place, "value count")
            self.same(len(cells) - len(present), metric["null_value_count"], *place, "null count")
            lower, upper = metric["lower_bound"], metric["upper_bound"]
            if not present:
                self.same((None, None), (lower, upper), *place, "bounds without values")
            elif column.kind != "string":
                self.same((min(present), max(present)), (lower, upper), *place, "bounds")
            # Bounds of text may be cut, and an upper one that cannot be rounded up is left out.
            elif not (lower is not None and lower <= min(present) and (upper is None or upper >= max(present))):
                self.problem(*place, "do not bound the text")

    def compare_row_groups(self, name, file: pq.ParquetFile, columns: list[Column], values: list[list]) -> None:
        start = 0
        for at in range(file.num_row_groups):
            group = file.metadata.row_group(at)
            for position, column in enumerate(columns):
                statistics = group.column(position).statistics
                cells = values[position][start : start + group.num_rows]
                present = [value for value in cells if value is not None]
                place = (name, f"row group {at + 1}", f"column {column.name}")
                if statistics is None:
                    self.problem(*place, "has no statistics")
                    continue
                self.same(len(cells) - len(present), statistics.null_count, *place, "null count")
                if present and statistics.has_min_max:
                    if not (statistics.min <= min(present) and max(present) <= statistics.max):
                        self.problem(*place, "statistics do not bound the values")
                elif present and column.kind != "string":
                    self.problem(*place, "has no bounds")
            start += group.num_rows

    def compare_joins(self, version: str, contents: dict[str, list[Column]], values: dict[str, list[list]]) -> None:
        """Joins base.dm to every other dataset by patient_key, and compares the pairs of rows with those of a join by USUBJID."""
        subject = "usubjid"
        names = {dataset: [column.name.lower() for column in columns] for dataset, columns in contents.items()}
        if subject not in names.get("dm", []):
            return
        left = numbered(self.read[f"{version} base.dm"].column("patient_key"), "dm_row")
        left_natural = numbered(pa.array(values["dm"][names["dm"].index(subject)], pa.string()), "dm_row")
        for dataset in contents:
            if dataset == "dm" or subject not in names[dataset]:
                continue
            right = numbered(self.read[f"{version} base.{dataset}"].column("patient_key"), "row")
            right_natural = numbered(pa.array(values[dataset][names[dataset].index(subject)], pa.string()), "row")
            joined = pairs(left, right)
            self.same(pairs(left_natural, right_natural), joined, f"{version} base.{dataset}", "join with base.dm")
            self.joins[f"{version} {dataset}"] = {"rows": right.num_rows, "joined": len(joined)}


def numbered(keys, row_name: str) -> pa.Table:
    return pa.table({"key": keys, row_name: pa.array(range(len(keys)), pa.int64())})


def pairs(left: pa.Table, right: pa.Table) -> list[tuple[int, int]]:
    joined = left.join(right, keys="key", join_type="inner")
    return sorted(zip(joined.column("dm_row").to_pylist(), joined.column("row").to_pylist()))
