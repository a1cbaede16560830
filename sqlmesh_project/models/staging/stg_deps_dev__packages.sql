MODEL (
  name staging.stg_deps_dev__packages,
  kind VIEW,
  description 'Packages and the repository of GitHub that each says it is made in, by deps.dev. Package systems by the names of artifacts.',
  owner 'team:data',
  grain (package_source, package_namespace, package_name),
  audits (
    unique_combination_of_columns_non_blocking(columns := (package_source, package_namespace, package_name)),
    not_null_non_blocking(columns := (package_source, package_namespace, package_name))
  )
);

WITH packages AS (
  SELECT
    CASE system WHEN 'CARGO' THEN 'CRATES' ELSE UPPER(system) END AS package_source, name,
    system = 'NPM' AND name LIKE '@%/%' AS has_namespace,
    LOWER(REGEXP_REPLACE(source_repository, '[.]git\z', '')) AS source_repository
  FROM deps_dev.packages
)
SELECT
  CAST(package_source AS VARCHAR) AS package_source, -- NPM, CRATES, PYPI, GO …
  CAST(CASE WHEN has_namespace THEN SPLIT_PART(name, '/', 1) ELSE '' END AS VARCHAR) AS package_namespace, -- npm scope with its @; else empty text
  CAST(
    CASE WHEN has_namespace THEN NULLIF(SPLIT_PART(name, '/', 2), '') WHEN package_source IN ('CRATES', 'PYPI') THEN LOWER(name) ELSE name END AS VARCHAR
  ) AS package_name, -- Name in its namespace
  CAST(
    CASE WHEN REGEXP_LIKE(source_repository, '^github[.]com/[^/]+/[^/]+\z') THEN SUBSTR(source_repository, 12) END AS VARCHAR
  ) AS repository -- owner/name on GitHub in lower case; empty where it is made elsewhere or does not say
FROM packages
