"""Makes new table metadata, applies updates and checks requirements with pyiceberg.

Input: [{"create": text of a create request, "uuid": …, "location": …} | {"before": text of a metadata document, "updates": text of a list,
"previous": address} | {"before": text or null, "requirement": text}, …]; documents as text, so that no number passes through a double.
Output: [text of the metadata document after it | {"refused": why} | null for a requirement that holds, …]
"""

import json
import sys
from uuid import UUID

from pydantic import TypeAdapter
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadataUtil, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortOrder
from pyiceberg.table.update import TableRequirement, TableUpdate, update_table_metadata

UPDATES = TypeAdapter(tuple[TableUpdate, ...])
REQUIREMENT = TypeAdapter(TableRequirement)


def create(case):
    request = json.loads(case["create"])
    spec, order = request.get("partition-spec"), request.get("write-order")
    return new_table_metadata(
        schema=Schema.model_validate(request["schema"]),
        partition_spec=PartitionSpec.model_validate(spec) if spec else UNPARTITIONED_PARTITION_SPEC,
        sort_order=SortOrder.model_validate(order) if order else UNSORTED_SORT_ORDER,
        location=case["location"],
        properties=request.get("properties", {}),
        table_uuid=UUID(case["uuid"]),
    )


def apply(case):
    before = TableMetadataUtil.parse_raw(case["before"])
    updates = UPDATES.validate_json(case["updates"])
    return update_table_metadata(before, updates, enforce_validation=True, metadata_location=case["previous"])


def answer(case):
    try:
        if "requirement" in case:
            before = TableMetadataUtil.parse_raw(case["before"]) if case["before"] else None
            REQUIREMENT.validate_json(case["requirement"]).validate(before)
            return None
        return (create(case) if "create" in case else apply(case)).model_dump_json()
    except Exception as error:  # what it is that pyiceberg refuses with differs from update to update
        return {"refused": f"{type(error).__name__}: {error}"}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
