MODEL (
  name staging.stg_github__sbom_packages,
  kind VIEW,
  description 'Packages that repositories depend on, by their bills of materials. Package systems by the names of artifacts.',
  owner 'team:data',
  grain (repository, position),
  audits (
    unique_combination_of_columns(columns := (repository, position)),
    not_null(columns := (repository, position, package_source, package_namespace, package_name))
  )
);

WITH packages AS (
  SELECT repository, position, version,
    CASE system WHEN 'npm' THEN 'NPM' WHEN 'cargo' THEN 'CRATES' WHEN 'pypi' THEN 'PYPI' WHEN 'golang' THEN 'GO' ELSE COALESCE(UPPER(system), '') END AS package_source,
    CASE WHEN system IN ('cargo', 'pypi', 'github') THEN LOWER(name) ELSE name END AS name
  FROM github.sbom__packages
), parts AS (
  SELECT repository, position, version, package_source, name, REGEXP_LIKE(name, '^[^/]+/[^/]+\z') AND package_source IN ('NPM', 'GITHUB') AS has_namespace
  FROM packages
)
SELECT
  CAST(repository AS VARCHAR) AS repository, -- owner/name in lower case
  CAST(position AS BIGINT) AS position, -- Place in the document, from 0
  CAST(package_source AS VARCHAR) AS package_source, -- NPM, CRATES, PYPI, GO, GITHUB …; empty text where the document does not say
  CAST(CASE WHEN has_namespace THEN SPLIT_PART(name, '/', 1) ELSE '' END AS VARCHAR) AS package_namespace, -- npm scope with its @, owner on GitHub; else empty text
  CAST(CASE WHEN has_namespace THEN NULLIF(SPLIT_PART(name, '/', 2), '') ELSE name END AS VARCHAR) AS package_name, -- Name in its namespace
  CAST(version AS VARCHAR) AS version -- Version, or the range that the manifest allows
FROM parts
