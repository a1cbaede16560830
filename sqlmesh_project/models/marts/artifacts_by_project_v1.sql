MODEL (
  name marts.artifacts_by_project_v1,
  kind FULL,
  description 'Which artifact belongs to which project.',
  owner 'team:data',
  grain (artifact_id, project_id),
  depends_on (intermediate.int_artifacts, intermediate.int_projects), -- the audits read them
  audits (
    unique_combination_of_columns(columns := (artifact_id, project_id)),
    not_null(columns := (artifact_id, project_id)),
    refers_to(column := artifact_id, parent := intermediate.int_artifacts, parent_column := artifact_id),
    refers_to(column := project_id, parent := intermediate.int_projects, parent_column := project_id)
  )
);

SELECT
  CAST(artifact_id AS VARCHAR) AS artifact_id, -- Id of the artifact: base64(sha256(source + namespace + name))
  CAST(artifact_source AS VARCHAR) AS artifact_source, -- System that the artifact lives in: GITHUB, NPM, a network …
  CAST(artifact_namespace AS VARCHAR) AS artifact_namespace, -- Namespace of the artifact within its source
  CAST(artifact_name AS VARCHAR) AS artifact_name, -- Name of the artifact within its namespace
  CAST(project_id AS VARCHAR) AS project_id, -- Id of the project: base64(sha256(source + namespace + name))
  CAST(project_source AS VARCHAR) AS project_source, -- Registry that the project stands in
  CAST(project_namespace AS VARCHAR) AS project_namespace, -- Namespace of the project within its source
  CAST(project_name AS VARCHAR) AS project_name -- Name of the project within its namespace
FROM intermediate.int_artifacts_by_project
