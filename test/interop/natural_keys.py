"""What surrogate keys a study's versions have to get, by the words of the design ("Keys"): datasets in contents order, rows in file order."""

import decimal
from dataclasses import dataclass

from declared import Column

USUAL = {
    "patient": [["USUBJID"], ["PATIENT_ID"]],
    "visit": [["USUBJID", "VISITNUM"], ["VISIT_ID"]],
    "site": [["SITEID"], ["LOCATION_ID"]],
}


@dataclass(frozen=True)
class Entity:
    name: str
    natural_key: tuple[str, ...]

    def positions(self, columns: list[Column]) -> list[int] | None:
        names = [column.name.lower() for column in columns]
        if not all(part.lower() in names for part in self.natural_key):
            return None
        return [names.index(part.lower()) for part in self.natural_key]

    def key_column(self) -> Column:
        return Column(f"{self.name}_key", "bigint")

    def rows(self, columns: list[Column], values: list[list]) -> list[tuple | None]:
        """The natural key of each row; None where a part is null."""
        parts = [values[position] for position in self.positions(columns)]
        return [None if None in row else tuple(map(comparable, row)) for row in zip(*parts)]


def comparable(value):
    """Numbers are equal whatever type they were declared as: 3, 3.0 and 3.00 are one visit; 0.1 is what was written."""
    if isinstance(value, float):
        return decimal.Decimal(repr(value))
    return decimal.Decimal(value) if type(value) is int else value


def entities_of(contents: dict[str, list[Column]], declared: dict[str, list[str]] | None) -> list[Entity]:
    """Those of which some dataset holds the whole natural key."""
    choices = {name: [key] for name, key in declared.items()} if declared is not None else USUAL
    found = []
    for name, natural_keys in choices.items():
        candidates = [Entity(name, tuple(key)) for key in natural_keys]
        found += [entity for entity in candidates if any(entity.positions(columns) for columns in contents.values())][:1]
    return found


class Authority:
    """The key maps as they must be after each version."""

    def __init__(self, problem):
        self.problem = problem
        self.maps: dict[str, dict[tuple, tuple[int, str]]] = {}
        self.columns: dict[str, list[Column]] = {}

    def deliver(self, version: str, entity: Entity, contents: dict[str, list[Column]], values: dict[str, list[list]]) -> None:
        known = self.maps.setdefault(entity.name, {})
        for dataset, columns in contents.items():
            positions = entity.positions(columns)
            if positions is None:
                continue
            if entity.name not in self.columns:
                # The first dataset that delivers the entity decides its types for good.
                parts = [columns[position] for position in positions]
                self.columns[entity.name] = [
                    *(Column(part.name, part.kind, part.precision, part.scale, nullable=False) for part in parts),
                    Column(f"{entity.name}_key", "bigint", nullable=False),
                    Column("first_version", "string", nullable=False),
                ]
            for natural_key in entity.rows(columns, values[dataset]):
                if natural_key is not None and natural_key not in known:
                    known[natural_key] = (len(known) + 1, version)

    def keys_of(self, entity: Entity, columns: list[Column], values: list[list]) -> list[int | None]:
        known = self.maps[entity.name]
        return [None if key is None else known[key][0] for key in entity.rows(columns, values)]

    def table(self, entity: Entity) -> tuple[list[Column], list[list]]:
        """Columns and values of the key table, in the order of the keys."""
        columns = self.columns[entity.name]
        rows = [(*natural_key, *more) for natural_key, more in self.maps[entity.name].items()]
        values = [list(column) for column in zip(*rows)] if rows else [[] for _ in columns]
        return columns, [
            [from_comparable(value, column) for value in part] for column, part in zip(columns, values, strict=True)
        ]


def from_comparable(value, column: Column):
    if column.kind == "double":
        return float(value)
    return int(value) if column.kind in ("integer", "bigint") else value
