MODEL (
  name intermediate.int_projects_by_collection,
  kind FULL,
  description 'Which project belongs to which collection.',
  owner 'team:data',
  grain (collection_id, project_id),
  depends_on (intermediate.int_projects, intermediate.int_collections), -- the audits read them
  audits (
    unique_combination_of_columns(columns := (collection_id, project_id)),
    not_null(columns := (collection_id, project_id)),
    refers_to(column := project_id, parent := intermediate.int_projects, parent_column := project_id),
    refers_to(column := collection_id, parent := intermediate.int_collections, parent_column := collection_id)
  )
);

WITH memberships AS (
  SELECT DISTINCT 'OSS_DIRECTORY' AS source, 'oso' AS namespace, collections.collection_name, members.project_name
  FROM staging.stg_oss_directory__collections AS collections
  CROSS JOIN UNNEST(collections.project_names) AS members(project_name)
  UNION ALL
  SELECT 'OP_ATLAS' AS source, '' AS namespace, round_name AS collection_name, project_name
  FROM staging.stg_op_atlas__rounds
  WHERE project_name IS NOT NULL
), identified AS (
  SELECT
    @entity_id(source, namespace, collection_name) AS collection_id,
    @entity_id(source, namespace, project_name) AS project_id,
    source,
    namespace,
    collection_name,
    project_name
  FROM memberships
)
SELECT
  CAST(collection_id AS VARCHAR) AS collection_id, -- Id of the collection
  CAST(source AS VARCHAR) AS collection_source, -- Registry that the collection stands in
  CAST(namespace AS VARCHAR) AS collection_namespace, -- Namespace of the collection
  CAST(collection_name AS VARCHAR) AS collection_name, -- Name of the collection
  CAST(project_id AS VARCHAR) AS project_id, -- Id of the project
  CAST(source AS VARCHAR) AS project_source, -- Registry that the project stands in
  CAST(namespace AS VARCHAR) AS project_namespace, -- Namespace of the project
  CAST(project_name AS VARCHAR) AS project_name -- Name of the project
FROM identified
