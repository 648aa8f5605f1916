"""The records of a delivered file, by Python's own csv."""

import codecs
import csv
import io

csv.field_size_limit(2**31 - 1)


def read_text(path: str, encoding: str) -> str:
    """A byte-order mark decides, else the declared encoding."""
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(codecs.BOM_UTF8):
        return data.decode("utf-8-sig")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode(encoding)


def read_records(path: str, encoding: str, fits) -> tuple[list[str], list[list[str]]]:
    """The header, trimmed, and the records after it. The separator is the one under which `fits` is true of the header's lower-case names."""
    text = read_text(path, encoding)
    for delimiter in ",;\t":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            header = [cell.strip() for cell in next(reader)]
        except csv.Error:
            continue
        if fits([name.lower() for name in header]):
            return header, list(reader)
    raise ValueError(f"{path}: the header is not as expected")
