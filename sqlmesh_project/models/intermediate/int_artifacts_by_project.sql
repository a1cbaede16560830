MODEL (
  name intermediate.int_artifacts_by_project,
  kind FULL,
  description 'Which artifact belongs to which project. An organisation of GitHub stands for all its repositories, a renamed repository for what it is called now. A project that received grants or rewards also has itself as an artifact.',
  owner 'team:data',
  grain (project_id, artifact_id),
  depends_on (intermediate.int_artifacts), -- the audits read them
  audits (
    unique_combination_of_columns(columns := (project_id, artifact_id)),
    not_null(columns := (project_id, artifact_id)),
    refers_to(column := artifact_id, parent := intermediate.int_artifacts, parent_column := artifact_id),
    every_claim_is_published
  )
);

WITH pairs AS (
  SELECT artifact_id, artifact_source, artifact_namespace, artifact_name, 'OSS_DIRECTORY' AS project_source, project_name
  FROM intermediate.int_claimed_artifacts
  UNION
  SELECT
    to_artifact_id AS artifact_id,
    'OSS_DIRECTORY' AS artifact_source,
    'oso' AS artifact_namespace,
    to_project_name AS artifact_name,
    'OSS_DIRECTORY' AS project_source,
    to_project_name AS project_name
  FROM intermediate.int_grant_events
  WHERE to_artifact_id IS NOT NULL
  UNION
  SELECT names.artifact_id, 'GITHUB' AS artifact_source, names.artifact_namespace, names.artifact_name, 'OSS_DIRECTORY' AS project_source, claims.project_name
  FROM intermediate.int_claimed_artifacts AS claims
  INNER JOIN intermediate.int_repository_names AS names -- also with the repositories that bore the name before
    ON claims.artifact_namespace || '/' || claims.artifact_name = SPLIT_PART(names.full_name, '#', 1)
  WHERE claims.artifact_source = 'GITHUB'
  UNION
  SELECT names.artifact_id, 'GITHUB' AS artifact_source, names.artifact_namespace, names.artifact_name, 'OSS_DIRECTORY' AS project_source, organizations.project_name
  FROM intermediate.int_organizations_by_project AS organizations
  INNER JOIN intermediate.int_repository_names AS names ON organizations.organization_name = SPLIT_PART(names.full_name, '/', 1)
  WHERE organizations.organization_source = 'GITHUB'
  UNION
  SELECT artifact_id, artifact_source, artifact_namespace, artifact_name, 'OP_ATLAS' AS project_source, project_name
  FROM intermediate.int_op_atlas_claims
  WHERE reason IS NULL
  UNION
  SELECT
    @entity_id('OP_ATLAS', '', project_name) AS artifact_id,
    'OP_ATLAS' AS artifact_source,
    '' AS artifact_namespace,
    project_name AS artifact_name,
    'OP_ATLAS' AS project_source,
    project_name
  FROM staging.stg_op_atlas__rounds
  WHERE reward IS NOT NULL
)
SELECT
  CAST(pairs.artifact_id AS VARCHAR) AS artifact_id, -- Id of the artifact
  CAST(pairs.artifact_source AS VARCHAR) AS artifact_source, -- System that the artifact lives in
  CAST(pairs.artifact_namespace AS VARCHAR) AS artifact_namespace, -- Namespace of the artifact
  CAST(pairs.artifact_name AS VARCHAR) AS artifact_name, -- Name of the artifact
  CAST(projects.project_id AS VARCHAR) AS project_id, -- Id of the project
  CAST(projects.project_source AS VARCHAR) AS project_source, -- Registry that the project stands in
  CAST(projects.project_namespace AS VARCHAR) AS project_namespace, -- Namespace of the project
  CAST(projects.project_name AS VARCHAR) AS project_name -- Name of the project
FROM pairs
INNER JOIN intermediate.int_projects AS projects ON pairs.project_source = projects.project_source AND pairs.project_name = projects.project_name
