MODEL (
  name staging.stg_oss_directory__projects,
  kind VIEW,
  description 'Projects of OSS Directory.',
  owner 'team:data',
  grain project_name,
  audits (
    unique_values(columns := project_name),
    not_null(columns := project_name),
    has_rows
  )
);

SELECT
  CAST(name AS VARCHAR) AS project_name, -- Name of the project, unique in the directory
  CAST(display_name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description -- What the project is
FROM oss_directory.projects
