"""The values of a delivered CSV file, as Python's own csv, decimal and datetime read them. Shares nothing with lib/csv."""

import datetime
import decimal
import re

from csv_text import read_records
from declared import Column

# Enough for 38 digits and any exponent; whatever would be rounded is an error.
EXACT = decimal.Context(prec=2000, traps=[decimal.Inexact, decimal.InvalidOperation])
TRUTH = {word: True for word in ("true", "t", "yes", "y", "1")} | {word: False for word in ("false", "f", "no", "n", "0")}

CLOCKS = ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M")
DATES = ("%Y-%m-%d", "%d%b%Y")
TIMESTAMPS = [f"{day}{mark}{clock}" for day, marks in zip(DATES, ("T ", ":")) for mark in marks for clock in CLOCKS]
# Of the digits alone, once separators are out.
DIGITS = {"YYMMDD": "%Y%m%d", "MMDDYY": "%m%d%Y", "DDMMYY": "%d%m%Y"}


def parse(text: str, formats) -> datetime.datetime:
    for form in formats:
        try:
            return datetime.datetime.strptime(text, form)
        except ValueError:
            pass
    raise ValueError("no format fits")


def read_date(text: str, format_name: str) -> datetime.date:
    try:
        return parse(text, DATES).date()
    except ValueError:
        return parse(re.sub(r"\D", "", text), [DIGITS[format_name]]).date()


def read_value(cell: str, column: Column):
    if column.kind == "string":
        return cell or None
    text = cell.strip()
    # SAS keeps dates and times as numbers, and writes a missing number as a point.
    if text == "" or (text == "." and column.kind != "boolean"):
        return None
    match column.kind:
        case "integer" | "bigint":
            return int(decimal.Decimal(text).to_integral_exact(context=EXACT))
        case "decimal":
            return decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-column.scale), context=EXACT)
        case "double":
            return float(text)
        case "boolean":
            return TRUTH[text.lower()]
        case "date":
            return read_date(text, column.format)
        case "timestamp":
            return parse(text, TIMESTAMPS)
        case "time":
            return parse(text, CLOCKS).time()
    raise ValueError(f"no such kind: {column.kind}")


def data_records(records: list[list[str]], width: int) -> list[list[str]]:
    """Blank lines are nulls where there is one column; elsewhere they may only stand at the end, where they are nothing."""
    if width == 1:
        return [record or [""] for record in records]
    while records and not records[-1]:
        records.pop()
    return records


def read_values(path: str, encoding: str, columns: list[Column]) -> list[list]:
    """The values of each declared column, in declared order."""
    names = [column.name.lower() for column in columns]
    header, records = read_records(path, encoding, lambda header: sorted(header) == sorted(names))
    positions = [[cell.lower() for cell in header].index(name) for name in names]
    records = data_records(records, len(columns))
    values = []
    for column, position in zip(columns, positions):
        known: dict[str, object] = {}
        out = []
        for row, record in enumerate(records):
            cell = record[position]
            try:
                if cell not in known:
                    known[cell] = read_value(cell, column)
            except (ValueError, KeyError, decimal.DecimalException):
                raise ValueError(f"{path}, row {row + 1}, column {column.name}: Python cannot read the value") from None
            out.append(known[cell])
        values.append(out)
    return values
