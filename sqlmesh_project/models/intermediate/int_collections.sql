MODEL (
  name intermediate.int_collections,
  kind FULL,
  description 'Collections of all registries, with their ids.',
  owner 'team:data',
  grain collection_id,
  audits (
    unique_values(columns := collection_id),
    not_null(columns := (collection_id, collection_source, collection_namespace, collection_name))
  )
);

WITH collections AS (
  SELECT 'OSS_DIRECTORY' AS collection_source, 'oso' AS collection_namespace, collection_name, display_name, description
  FROM staging.stg_oss_directory__collections
  UNION
  SELECT 'OP_ATLAS' AS collection_source, '' AS collection_namespace, round_name AS collection_name, display_name, description
  FROM staging.stg_op_atlas__rounds
)
SELECT
  CAST(@entity_id(collection_source, collection_namespace, collection_name) AS VARCHAR) AS collection_id, -- Id of the collection
  CAST(collection_source AS VARCHAR) AS collection_source, -- Registry that the collection stands in
  CAST(collection_namespace AS VARCHAR) AS collection_namespace, -- Namespace within the registry
  CAST(collection_name AS VARCHAR) AS collection_name, -- Name of the collection, unique in its namespace
  CAST(display_name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description -- What the collection gathers
FROM collections
