/** Table property: the content key of the data file, by which a step tells without reading manifests whether a table is its own run's. */
export const contentKeyProperty = 'studylake.content-key'
