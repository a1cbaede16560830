MODEL (
  name marts.artifacts_by_collection_v1,
  kind FULL,
  description 'Which artifact belongs to which collection, through any of its projects.',
  owner 'team:data',
  grain (artifact_id, collection_id),
  depends_on (intermediate.int_artifacts, intermediate.int_collections), -- the audits read them
  audits (
    unique_combination_of_columns(columns := (artifact_id, collection_id)),
    not_null(columns := (artifact_id, collection_id)),
    refers_to(column := artifact_id, parent := intermediate.int_artifacts, parent_column := artifact_id),
    refers_to(column := collection_id, parent := intermediate.int_collections, parent_column := collection_id)
  )
);

WITH pairs AS (
  SELECT DISTINCT
    artifacts.artifact_id,
    artifacts.artifact_source,
    artifacts.artifact_namespace,
    artifacts.artifact_name,
    collections.collection_id,
    collections.collection_source,
    collections.collection_namespace,
    collections.collection_name
  FROM intermediate.int_artifacts_by_project AS artifacts
  INNER JOIN intermediate.int_projects_by_collection AS collections ON artifacts.project_id = collections.project_id
)
SELECT
  CAST(artifact_id AS VARCHAR) AS artifact_id, -- Id of the artifact: base64(sha256(source + namespace + name))
  CAST(artifact_source AS VARCHAR) AS artifact_source, -- System that the artifact lives in: GITHUB, NPM, a network …
  CAST(artifact_namespace AS VARCHAR) AS artifact_namespace, -- Namespace of the artifact within its source
  CAST(artifact_name AS VARCHAR) AS artifact_name, -- Name of the artifact within its namespace
  CAST(collection_id AS VARCHAR) AS collection_id, -- Id of the collection: base64(sha256(source + namespace + name))
  CAST(collection_source AS VARCHAR) AS collection_source, -- Registry that the collection stands in
  CAST(collection_namespace AS VARCHAR) AS collection_namespace, -- Namespace of the collection within its source
  CAST(collection_name AS VARCHAR) AS collection_name -- Name of the collection within its namespace
FROM pairs
