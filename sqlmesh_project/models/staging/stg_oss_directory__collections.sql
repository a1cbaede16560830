MODEL (
  name staging.stg_oss_directory__collections,
  kind VIEW,
  description 'Collections of OSS Directory, with the names of their projects.',
  owner 'team:data',
  grain collection_name,
  audits (
    unique_values(columns := collection_name),
    not_null(columns := collection_name)
  )
);

SELECT
  CAST(name AS VARCHAR) AS collection_name, -- Name of the collection, unique in the directory
  CAST(display_name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description, -- What the collection gathers
  CAST(projects AS ARRAY(VARCHAR)) AS project_names -- Names of its projects
FROM oss_directory.collections
