MODEL (
  name intermediate.int_projects,
  kind FULL,
  description 'Projects of all registries, with their ids.',
  owner 'team:data',
  grain project_id,
  audits (
    unique_values(columns := project_id),
    not_null(columns := (project_id, project_source, project_namespace, project_name))
  )
);

WITH projects AS (
  SELECT 'OSS_DIRECTORY' AS project_source, 'oso' AS project_namespace, project_name, display_name, description
  FROM staging.stg_oss_directory__projects
  UNION ALL
  SELECT 'OP_ATLAS' AS project_source, '' AS project_namespace, project_name, display_name, description
  FROM staging.stg_op_atlas__projects
)
SELECT
  CAST(@entity_id(project_source, project_namespace, project_name) AS VARCHAR) AS project_id, -- Id of the project
  CAST(project_source AS VARCHAR) AS project_source, -- Registry that the project stands in
  CAST(project_namespace AS VARCHAR) AS project_namespace, -- Namespace within the registry
  CAST(project_name AS VARCHAR) AS project_name, -- Name of the project, unique in its namespace
  CAST(display_name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description -- What the project is
FROM projects
