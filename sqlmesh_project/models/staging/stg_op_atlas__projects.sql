MODEL (
  name staging.stg_op_atlas__projects,
  kind VIEW,
  description 'Projects of OP Atlas that are not deleted.',
  owner 'team:data',
  grain project_name,
  audits (unique_values(columns := project_name), not_null(columns := project_name))
);

SELECT
  CAST(id AS VARCHAR) AS project_name, -- Id of the project in OP Atlas
  CAST(name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description, -- What the project is
  CAST(NULLIF(open_source_observer_slug, '') AS VARCHAR) AS directory_name -- Its name in OSS Directory, by its own words; empty where it says none
FROM op_atlas.project
WHERE deleted_at IS NULL
