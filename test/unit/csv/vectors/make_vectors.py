"""Makes values.recorded.json beside this file with Python's own decimal, datetime and float: python3 make_vectors.py

The vectors are what parse-numbers.ts and parse-temporal.ts are tested against. null = the text does not fit.
"""
import datetime
import decimal
import json
import pathlib
import random
import struct

r = random.Random(20140102)
decimal.getcontext().prec = 200


def decimal_vector():
    precision = r.randint(1, 38)
    scale = r.randint(0, precision)
    whole = "".join(r.choice("0123456789") for _ in range(r.randint(0, precision - scale + 1)))
    fraction = "".join(r.choice("0123456789") for _ in range(r.randint(0, scale))) + "0" * r.choice([0, 0, 0, 3])
    text = r.choice(["", "", "-", "+"]) + (whole or "0") + ("." + fraction if fraction else "")
    if r.random() < 0.3:
        text += r.choice("eE") + r.choice(["", "+", "-"]) + str(r.randint(0, 6))
    unscaled = decimal.Decimal(text).scaleb(scale)
    exact = unscaled == unscaled.to_integral_value() and abs(unscaled) < decimal.Decimal(10) ** precision
    return [text, precision, scale, str(int(unscaled)) if exact else None]


def double_vector():
    text = r.choice(["", "-", "+"]) + r.choice([
        str(r.randint(0, 10 ** r.randint(1, 25))),
        repr(r.uniform(-1, 1) ** 3).lstrip("-"),
        f"{r.random():.{r.randint(1, 25)}f}",
        f"{r.randint(0, 9)}.{r.randint(0, 10**17)}e{r.randint(-330, 308)}",
        f".{r.randint(0, 999)}",
        f"{r.randint(0, 999)}.",
    ])
    value = float(text)
    return [text, None if value in (float("inf"), float("-inf")) else struct.pack(">d", value).hex()]


epoch = datetime.date(1970, 1, 1).toordinal()
months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def date_vector(year=None, month=None, day=None):
    year = r.randint(1, 9999) if year is None else year
    month = r.randint(0, 13) if month is None else month
    day = r.randint(0, 32) if day is None else day
    try:
        days = datetime.date(year, month, day).toordinal() - epoch
    except ValueError:
        days = None
    sas = f"{day:02}{months[month - 1]}{year:04}" if 1 <= month <= 12 else None
    return [f"{year:04}-{month:02}-{day:02}", sas, f"{month:02}/{day:02}/{year:04}", f"{day:02}/{month:02}/{year:04}", days]


def timestamp_vector():
    moment = datetime.datetime(
        r.randint(1, 9999), r.randint(1, 12), r.randint(1, 28), r.randint(0, 23), r.randint(0, 59), r.randint(0, 59),
        r.choice([0, 0, r.randint(0, 999999)]),
    )
    text = moment.isoformat(sep=r.choice("T "))
    if r.random() < 0.3:
        text = f"{moment.day:02}{months[moment.month - 1]}{moment.year:04}:{moment.time().isoformat()}"
    since = moment - datetime.datetime(1970, 1, 1)
    micros = (since.days * 86400 + since.seconds) * 10**6 + since.microseconds
    clock = (moment.hour * 3600 + moment.minute * 60 + moment.second) * 10**6 + moment.microsecond
    return [text, str(micros), moment.time().isoformat(), str(clock)]


edges = [(y, m, d) for y in (1, 4, 100, 400, 1582, 1600, 1899, 1900, 1969, 1970, 2000, 2023, 2024, 2100, 9999)
         for m, d in ((1, 1), (2, 28), (2, 29), (2, 30), (3, 1), (4, 31), (12, 31))] + [(0, 1, 1)]
vectors = {
    "made": "by make_vectors.py with Python's decimal, float and datetime",
    "decimals": [decimal_vector() for _ in range(400)],
    "doubles": [double_vector() for _ in range(200)],
    "dates": [date_vector(*edge) for edge in edges] + [date_vector() for _ in range(200)],
    "timestamps": [timestamp_vector() for _ in range(150)],
}
lines = [f'"made": {json.dumps(vectors.pop("made"))}']
for name, rows in vectors.items():
    lines.append(f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]")
(pathlib.Path(__file__).parent / "values.recorded.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
