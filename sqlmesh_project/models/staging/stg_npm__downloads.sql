MODEL (
  name staging.stg_npm__downloads,
  kind VIEW,
  description 'Downloads of packages of npm by day, as npm counts them.',
  owner 'team:data',
  grain (package, event_day),
  audits (
    unique_combination_of_columns_non_blocking(columns := (package, event_day)),
    not_null_non_blocking(columns := (package, event_day, downloads))
  )
);

SELECT
  CAST(package AS VARCHAR) AS package, -- Package, as npm writes it: @scope/name or name
  CAST(CASE WHEN package LIKE '@%/%' THEN SPLIT_PART(package, '/', 1) ELSE '' END AS VARCHAR) AS package_namespace, -- Scope with its @; else empty text
  CAST(CASE WHEN package LIKE '@%/%' THEN NULLIF(SPLIT_PART(package, '/', 2), '') ELSE package END AS VARCHAR) AS package_name, -- Name in its scope
  CAST(day AS DATE) AS event_day, -- Day, UTC
  CAST(downloads AS BIGINT) AS downloads -- Downloads
FROM npm.downloads
WHERE downloads > 0
