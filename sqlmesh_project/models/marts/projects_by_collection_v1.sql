MODEL (
  name marts.projects_by_collection_v1,
  kind FULL,
  description 'Which project belongs to which collection.',
  owner 'team:data',
  grain (project_id, collection_id),
  depends_on (intermediate.int_projects), -- the audits read them
  audits (
    unique_combination_of_columns(columns := (project_id, collection_id)),
    not_null(columns := (project_id, collection_id)),
    refers_to(column := project_id, parent := intermediate.int_projects, parent_column := project_id)
  )
);

SELECT
  CAST(project_id AS VARCHAR) AS project_id, -- Id of the project: base64(sha256(source + namespace + name))
  CAST(project_source AS VARCHAR) AS project_source, -- Registry that the project stands in
  CAST(project_namespace AS VARCHAR) AS project_namespace, -- Namespace of the project within its source
  CAST(project_name AS VARCHAR) AS project_name, -- Name of the project within its namespace
  CAST(collection_id AS VARCHAR) AS collection_id, -- Id of the collection: base64(sha256(source + namespace + name))
  CAST(collection_source AS VARCHAR) AS collection_source, -- Registry that the collection stands in
  CAST(collection_namespace AS VARCHAR) AS collection_namespace, -- Namespace of the collection within its source
  CAST(collection_name AS VARCHAR) AS collection_name -- Name of the collection within its namespace
FROM intermediate.int_projects_by_collection
