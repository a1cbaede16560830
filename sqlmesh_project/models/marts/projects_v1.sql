MODEL (
  name marts.projects_v1,
  kind FULL,
  description 'Projects that the platform knows.',
  owner 'team:data',
  grain project_id,
  audits (
    unique_values(columns := project_id),
    not_null(columns := (project_id, project_name)),
    has_rows,
    id_is_published(
      id_column := project_id,
      name_column := project_name,
      name := 'opensource-observer',
      id := 'UuWbpo5bpL5QsYvlukUWNm2uE8HFjxQxzCM0e+HMZfk='
    )
  )
);

SELECT
  CAST(project_id AS VARCHAR) AS project_id, -- Id of the project: base64(sha256(source + namespace + name))
  CAST(project_source AS VARCHAR) AS project_source, -- Registry that the project stands in
  CAST(project_namespace AS VARCHAR) AS project_namespace, -- Namespace of the project within its source
  CAST(project_name AS VARCHAR) AS project_name, -- Name of the project within its namespace
  CAST(display_name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description -- What it is
FROM intermediate.int_projects
