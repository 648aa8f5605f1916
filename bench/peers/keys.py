"""What a user would run instead of `studylake keys`: a surrogate key for each USUBJID, and for each USUBJID with VISITNUM.

    python keys.py pandas|polars|duckdb RAW.parquet OUT.parquet
"""
import sys

tool, source, target = sys.argv[1:]
entities = {"patient_key": ["USUBJID"], "visit_key": ["USUBJID", "VISITNUM"]}

if tool == "pandas":
    import pandas as pd

    frame = pd.read_parquet(source)
    for key, names in entities.items():
        known = frame[names].drop_duplicates().reset_index(drop=True)
        known[key] = known.index + 1
        frame = frame.merge(known, how="left", on=names)
    frame.to_parquet(target)
elif tool == "polars":
    import polars as pl

    raw = pl.scan_parquet(source)
    base = raw
    for key, names in entities.items():
        known = raw.select(names).unique(maintain_order=True).with_row_index(key, offset=1)
        base = base.join(known, on=names, how="left")
    base.sink_parquet(target)
elif tool == "duckdb":
    import duckdb

    duckdb.sql(
        f"""
        copy (
            with raw as (from '{source}'),
            patients as (
                select USUBJID, row_number() over () as patient_key from (select distinct USUBJID from raw)
            ),
            visits as (
                select USUBJID, VISITNUM, row_number() over () as visit_key
                from (select distinct USUBJID, VISITNUM from raw)
            )
            select raw.*, patient_key, visit_key
            from raw left join patients using (USUBJID) left join visits using (USUBJID, VISITNUM)
        ) to '{target}' (format parquet)
        """
    )
else:
    sys.exit(f"unknown tool {tool}")
