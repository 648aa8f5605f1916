"""What a contents file declares, by the words of the design ("Types") and of SAS's documentation: a second reading, that shares nothing
with lib/contents.
"""

import re
from dataclasses import dataclass

import pyarrow as pa
from csv_text import read_records

PLAIN = {
    "string": ("string", pa.string()),
    "integer": ("int", pa.int32()),
    "bigint": ("long", pa.int64()),
    "double": ("double", pa.float64()),
    "boolean": ("boolean", pa.bool_()),
    "date": ("date", pa.date32()),
    "timestamp": ("timestamp", pa.timestamp("us")),
    "time": ("time", pa.time64("us")),
}
DIALECTS = ({"memname", "name", "type"}, {"dataset", "field", "type"})


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    precision: int = 0
    scale: int = 0
    nullable: bool = True
    label: str | None = None
    # The name of the SAS format, without width: DATE, YYMMDD, 8601 names.
    format: str = ""

    @property
    def iceberg(self) -> str:
        return f"decimal({self.precision}, {self.scale})" if self.kind == "decimal" else PLAIN[self.kind][0]

    @property
    def arrow(self) -> pa.DataType:
        return pa.decimal128(self.precision, self.scale) if self.kind == "decimal" else PLAIN[self.kind][1]


def sas_format(text: str) -> tuple[str, int]:
    """The name and the number of decimals of `DATE9.`, `8.2`, `E8601DA10.`, `$CHAR20.`."""
    name, decimals = re.fullmatch(r"(\$?(?:[A-Z_]\w*?)?)\d*\.?(\d*)", text.strip().upper()).groups()
    # The 8601 formats have digits inside their names, the date formats a letter for the separator behind.
    if re.match(r"(YYMMDD|MMDDYY|DDMMYY)[A-Z]$", name):
        name = name[:-1]
    return name, int(decimals or 0)


def proc_kind(number: bool, format_text: str) -> tuple[str, str]:
    if not number:
        return "string", ""
    name, decimals = sas_format(format_text)
    if name in ("DATE", "YYMMDD", "MMDDYY", "DDMMYY", "E8601DA"):
        return "date", name
    if name in ("DATETIME", "E8601DT"):
        return "timestamp", name
    if name in ("TIME", "E8601TM"):
        return "time", name
    return ("bigint" if format_text.strip() and name == "" and decimals == 0 else "double"), ""


def proc_column(row: dict[str, str]) -> Column:
    kind, format_name = proc_kind(row["type"] == "1", row.get("format", ""))
    return Column(row["name"], kind, label=row.get("label") or None, format=format_name)


def plain_column(row: dict[str, str]) -> Column:
    more = {
        "nullable": row.get("nullable", "").lower() != "false",
        "label": row.get("label") or None,
        "format": sas_format(row["format"])[0] if row.get("format") else "",
    }
    decimal = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", row["type"])
    if decimal:
        return Column(row["field"], "decimal", int(decimal[1]), int(decimal[2]), **more)
    return Column(row["field"], row["type"], **more)


def read_contents(path: str, encoding: str) -> dict[str, list[Column]]:
    """Columns by lower-case dataset name, both in declared order."""
    header, records = read_records(path, encoding, lambda header: any(dialect <= set(header) for dialect in DIALECTS))
    names = [name.lower() for name in header]
    rows = [dict(zip(names, (cell.strip() for cell in record), strict=True)) for record in records if any(record)]
    proc = "memname" in names
    dataset_of = "memname" if proc else "dataset"
    # Datasets keep the order in which the file first names them, whatever the order of their columns.
    datasets: dict[str, list[Column]] = {row[dataset_of].lower(): [] for row in rows}
    if proc:
        rows.sort(key=lambda row: int(row["varnum"]))
    for row in rows:
        datasets[row[dataset_of].lower()].append(proc_column(row) if proc else plain_column(row))
    return datasets
