MODEL (
  name marts.collections_v1,
  kind FULL,
  description 'Collections of projects.',
  owner 'team:data',
  grain collection_id,
  audits (
    unique_values(columns := collection_id),
    not_null(columns := (collection_id, collection_name))
  )
);

SELECT
  CAST(collection_id AS VARCHAR) AS collection_id, -- Id of the collection: base64(sha256(source + namespace + name))
  CAST(collection_source AS VARCHAR) AS collection_source, -- Registry that the collection stands in
  CAST(collection_namespace AS VARCHAR) AS collection_namespace, -- Namespace of the collection within its source
  CAST(collection_name AS VARCHAR) AS collection_name, -- Name of the collection within its namespace
  CAST(display_name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description -- What it is
FROM intermediate.int_collections
