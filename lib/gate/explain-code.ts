import type { GateCode } from './codes.ts'

/** What a code means for the person whose commit it refuses. */
export interface Explanation {
  /** How it comes about. */
  cause: string
  /** What to do. */
  cure: string
}

const load = 'Load the version again; do not write its delivered tables by hand.'
const mend = 'Write the table with an engine through the catalog, not by editing its object.'
const restore = 'Restore the table object from the last good commit, and write again from there.'
const rewrite = 'Restore the file from a backup, or write the table anew from its source.'
const register =
  'Register the table in the SQL engine as the commit has it, or drop it there until it is committed; then load or merge again.'
const report = 'Tell the operators of the platform: this is not what a writer makes.'

const explain = (cause: string, cure: string): Explanation => ({ cause, cure })

/** What is said of columns by the rules that compare them. */
const columns = (subject: string, cure: string) => ({
  'column-missing': explain(`${subject}: a column is not there.`, cure),
  'column-extra': explain(`${subject}: a column is there that should not be.`, cure),
  type: explain(`${subject}: a column has another type.`, cure),
  'field-id': explain(`${subject}: a column has another field id, or none.`, cure),
  nullability: explain(`${subject}: a column may be null and must not, or the other way round.`, cure),
  label: explain(`${subject}: a column has another label.`, cure),
  order: explain(`${subject}: the columns stand in another order.`, cure),
})

const engine = columns('What is registered in the SQL engine against the table', register)
const contents = columns('The raw table against study/contents.json', load)
const base = columns('The base table against its raw table and the keys', load)
const footer = columns('The Parquet file against the table’s schema', rewrite)

/** Every code of the gate with its cause and its cure. */
export const explanations: Record<GateCode, Explanation> = {
  'event-refused': explain(
    'A revert, cherry-pick or other event whose result no hook can see.',
    'Load the version again, or make the change on a branch and merge it.',
  ),
  'gate-missing': explain(
    'The branch lacks _lakefs_actions/gate.yaml.',
    'Take a new branch from the version, or copy the file from main.',
  ),
  'gate-changed': explain(
    '_lakefs_actions/gate.yaml was edited: an event, the token’s header or the time-out is another.',
    'Copy the file from main.',
  ),
  'object-stray': explain(
    'A data file or metadata file was uploaded to a branch.',
    'Delete it from the branch; write tables through the catalog.',
  ),
  'object-outside': explain(
    'A version holds an object that is no part of its layout.',
    'Keep it on a branch of your own, or outside the repository.',
  ),
  'table-misplaced': explain(
    'An object below tables/ is not at tables/<layer>/<name>.json with a layer raw, base, keys or work and a lower-case name.',
    'Delete it, and create the table through the catalog.',
  ),
  'table-unreadable': explain(
    'The table object, a manifest list or a manifest is missing, damaged, or not of Iceberg format version 2.',
    restore,
  ),
  'table-type': explain('A delivered table has a column of a type that no contents file can declare.', load),
  'table-uuid': explain('The table’s uuid is none, or that of a delivered table is not the one of its path.', mend),
  'table-uuid-shared': explain(
    'A table object was copied to a second name.',
    'Copy tables with CREATE TABLE … AS SELECT.',
  ),
  'table-location': explain('The location of a delivered table is not that of its path.', load),
  'table-replaced': explain(
    'A table was dropped and made again under its name, or another one was put in its place.',
    'Merge the drop first, or use CREATE OR REPLACE TABLE, which keeps the uuid.',
  ),
  'address-outside': explain(
    'The table refers to a file of another study or bucket, or by an odd path.',
    'Write the data into a table of this study.',
  ),
  'schema-duplicate': explain('Two schemas of the table have one id.', mend),
  'schema-field-id': explain('Two columns of a schema have one field id.', mend),
  'schema-name': explain('Two columns of a schema have one name.', mend),
  'schema-last-column': explain('A field id is above the table’s last-column-id.', mend),
  'schema-field-type': explain('A field id of a delivered table stood for a column of another type before.', load),
  'partition-spec-missing': explain('The default partition spec is not there.', mend),
  'partition-spec-duplicate': explain('Two partition specs have one id.', mend),
  'partition-spec-column': explain('A partition spec is made of a column that the table does not have.', mend),
  'sort-order-missing': explain('The default sort order is not there.', mend),
  'sort-order-duplicate': explain('Two sort orders have one id.', mend),
  'sort-order-column': explain('A sort order is made of a column that the table does not have.', mend),
  'snapshot-duplicate': explain('Two snapshots have one id.', mend),
  'snapshot-sequence': explain('Two snapshots have one sequence number, or one has a number above the last.', mend),
  'snapshot-chain': explain('A snapshot is not newer than its parent.', mend),
  'snapshot-schema': explain('A snapshot names a schema that the table does not have.', mend),
  'snapshot-ref': explain('A ref of the table names a snapshot that is not there.', mend),
  'snapshot-branch': explain('The table’s branch main is not its current snapshot.', mend),
  'snapshot-totals': explain('The snapshot’s summary counts other files, rows or bytes than its manifests hold.', mend),
  'snapshot-rewritten': explain(
    'The table was written from an older state: what others wrote since then would be lost.',
    'Read the table again and repeat the change.',
  ),
  'snapshot-skipped': explain('The snapshot that was current before is left out of the table’s history.', restore),
  'snapshot-lost': explain('The table went back to a state that it never had.', restore),
  'manifest-size': explain('A manifest has another size than the manifest list says.', restore),
  'manifest-counts': explain('A manifest holds other files or rows than the manifest list says.', restore),
  'manifest-spec': explain('A manifest is of a partition spec that the table does not have.', restore),
  'manifest-sequence': explain('A manifest is newer than the snapshot that holds it.', restore),
  'manifest-content': explain('A manifest of data holds delete files, or the other way round.', restore),
  'file-duplicate': explain('A file stands in the table twice: its rows would count twice.', restore),
  'file-format': explain(
    'A file is not Parquet, and the gate cannot judge it.',
    "Create the table with Parquet files: WITH (format = 'PARQUET').",
  ),
  'file-missing': explain('A file that the table refers to is gone.', rewrite),
  'file-size': explain('A file has another size than the table says: it was truncated or replaced.', rewrite),
  'file-unreadable': explain('A file is no whole Parquet file.', rewrite),
  'file-rows': explain('A file has another number of rows than the table says.', rewrite),
  'file-other': explain('A delivered table is not made of the one file that its content key names.', load),
  'delete-file': explain(
    'Rows of a delivered table were deleted or updated by an engine.',
    'Do so on a branch of your own, or in a table of the layer work.',
  ),
  'delete-file-columns': explain('A delete file lacks the columns by which it names rows.', report),
  'footer-column-missing': footer['column-missing'],
  'footer-column-extra': footer['column-extra'],
  'footer-type': footer.type,
  'footer-field-id': footer['field-id'],
  'footer-nullability': footer.nullability,
  'footer-order': footer.order,
  'footer-name': explain(
    'The Parquet file calls a column by a name that the table never gave it: columns were swapped or taken from elsewhere.',
    rewrite,
  ),
  'declaration-unreadable': explain('study/contents.json or study/version.json is not what the system writes.', load),
  'contents-missing': explain('There are delivered tables and no study/contents.json.', load),
  'contents-table-missing': explain('A declared dataset has no raw or no base table.', load),
  'contents-table-undeclared': explain(
    'A table of the layers raw or base is not declared.',
    'Declare it in the contents file and load the version again, or write it to the layer work.',
  ),
  'contents-column-missing': contents['column-missing'],
  'contents-column-extra': contents['column-extra'],
  'contents-type': contents.type,
  'contents-field-id': contents['field-id'],
  'contents-nullability': contents.nullability,
  'contents-label': contents.label,
  'contents-order': contents.order,
  'record-missing': explain('There is no study/version.json.', load),
  'record-study': explain('study/version.json is of another study.', load),
  'record-rows': explain('study/version.json counts other rows, or rows in are not rows out and rejected.', load),
  'record-columns': explain('study/version.json counts other columns than the raw table has.', load),
  'record-content': explain('A raw table is made of another file than study/version.json names.', load),
  'record-dataset-missing': explain('study/version.json names a dataset that has no table.', load),
  'record-table-missing': explain('study/version.json does not name a raw table that is there.', load),
  'base-without-raw': explain('A base table has no raw table.', load),
  'base-rows': explain('A base table has other rows than its raw table.', load),
  'base-content': explain('A base table was made of another raw table, or with other keys.', load),
  'base-column-missing': base['column-missing'],
  'base-column-extra': base['column-extra'],
  'base-type': base.type,
  'base-field-id': base['field-id'],
  'base-nullability': base.nullability,
  'base-label': base.label,
  'base-order': base.order,
  'key-table-missing': explain('Base tables carry an entity’s keys and its key table is not there.', load),
  'key-table-columns': explain(
    'A key table has other columns than natural key, surrogate key and first version, or one that may be null.',
    report,
  ),
  'key-duplicate': explain('A surrogate key stands in its key table twice.', report),
  'natural-key-duplicate': explain('A natural key stands in its key table twice.', report),
  'key-unknown': explain('Rows of a base table hold a key that the key table does not have.', load),
  'key-wrong': explain('Rows of a base table hold the key of another natural key.', load),
  'key-missing': explain('Rows of a base table have a natural key and no key.', load),
  'key-without-natural-key': explain(
    'Rows of a base table have a key though a part of their natural key is null.',
    load,
  ),
  'authority-table-lost': explain(
    'A key table would go from the branch keys: keys that were given must stay given.',
    'Merge nothing into keys by hand.',
  ),
  'authority-rewritten': explain(
    'A key table would not go on from the keys that were given.',
    'Merge nothing into keys by hand.',
  ),
  'keys-unauthorised': explain('A version carries keys that are not on the branch keys.', load),
  'engine-column-missing': engine['column-missing'],
  'engine-column-extra': engine['column-extra'],
  'engine-type': engine.type,
  'engine-order': engine.order,
  'engine-table-extra': explain(
    'The SQL engine has a table of the version that the version does not have.',
    'Drop the table in the SQL engine; then load or merge again.',
  ),
  'version-replaced': explain(
    'study/version.json names another version than the branch that it goes to.',
    'Merge into the branch of that version, or into a branch of your own.',
  ),
}

/** The table of all codes as docs/gate.md has it. */
export function formatExplanations(): string {
  const rows = Object.entries(explanations).map(([code, { cause, cure }]) => `| \`${code}\` | ${cause} | ${cure} |`)
  return ['| code | cause | cure |', '| --- | --- | --- |', ...rows].join('\n')
}
