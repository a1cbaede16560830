MODEL (
  name intermediate.int_package_claims,
  kind VIEW,
  description 'What the package addresses of projects stand for: a package of npm, crates.io, PyPI or Go, or nothing, with the reason.',
  owner 'team:data',
  grain (project_name, kind, position),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position)),
    not_null(columns := (project_name, kind, position, is_organization)),
    accepted_claim_is_named
  )
);

WITH entries AS (
  SELECT project_name, kind, position, url, host, path
  FROM staging.stg_oss_directory__urls
  WHERE kind IN ('npm', 'crates', 'pypi', 'go')
), npm AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    'NPM' AS artifact_source,
    COALESCE(NULLIF(REGEXP_EXTRACT(path, '^package/(@[^/@]+)/', 1), ''), '') AS artifact_namespace,
    NULLIF(REGEXP_EXTRACT(path, '^package/(?:@[^/@]+/)?([^/@]+)', 1), '') AS artifact_name,
    'https://www.npmjs.com/package/' || NULLIF(REGEXP_EXTRACT(path, '^package/((?:@[^/@]+/)?[^/@]+)', 1), '') AS artifact_url,
    'npmjs.com/package/<name>' AS expected,
    host IN ('npmjs.com', 'npmjs.org') AS host_fits,
    host,
    path
  FROM entries
  WHERE kind = 'npm'
), crates AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    'CRATES' AS artifact_source,
    '' AS artifact_namespace,
    LOWER(NULLIF(REGEXP_EXTRACT(path, '^crates/([A-Za-z0-9_-]+)', 1), '')) AS artifact_name,
    'https://crates.io/crates/' || LOWER(NULLIF(REGEXP_EXTRACT(path, '^crates/([A-Za-z0-9_-]+)', 1), '')) AS artifact_url,
    'crates.io/crates/<name>' AS expected,
    host = 'crates.io' AS host_fits,
    host,
    path
  FROM entries
  WHERE kind = 'crates'
), pypi_names AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    LOWER(REGEXP_REPLACE(NULLIF(REGEXP_EXTRACT(path, '^project/([A-Za-z0-9._-]+)', 1), ''), '[-_.]+', '-')) AS name,
    host,
    path
  FROM entries
  WHERE kind = 'pypi'
), pypi AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    'PYPI' AS artifact_source,
    '' AS artifact_namespace,
    name AS artifact_name,
    'https://' || host || '/project/' || name AS artifact_url, -- the index's own address, as the directory names it
    'pypi.<…>/project/<name>' AS expected,
    host LIKE 'pypi.%' AS host_fits,
    host,
    path
  FROM pypi_names
), go_modules AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    REGEXP_REPLACE(CASE WHEN host = 'pkg.go.dev' THEN path ELSE host || '/' || path END, '@[^\n]*', '') AS module,
    host,
    path
  FROM entries
  WHERE kind = 'go'
), go AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    'GO' AS artifact_source,
    '' AS artifact_namespace,
    CASE WHEN REGEXP_LIKE(module, '^[^/]+[.][^/]+/[^/]') THEN module END AS artifact_name,
    'https://pkg.go.dev/' || module AS artifact_url,
    '<host>/<module>' AS expected,
    TRUE AS host_fits,
    host,
    path
  FROM go_modules
), packages AS (
  SELECT project_name, kind, position, url, artifact_source, artifact_namespace, artifact_name, artifact_url, expected, host_fits, host FROM npm
  UNION ALL
  SELECT project_name, kind, position, url, artifact_source, artifact_namespace, artifact_name, artifact_url, expected, host_fits, host FROM crates
  UNION ALL
  SELECT project_name, kind, position, url, artifact_source, artifact_namespace, artifact_name, artifact_url, expected, host_fits, host FROM pypi
  UNION ALL
  SELECT project_name, kind, position, url, artifact_source, artifact_namespace, artifact_name, artifact_url, expected, host_fits, host FROM go
), claims AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    artifact_source,
    artifact_namespace,
    artifact_name,
    artifact_url,
    FALSE AS is_organization,
    CASE
      WHEN url IS NULL OR @trimmed(url) = '' THEN 'the entry has no address'
      WHEN host IS NULL THEN 'not an http(s) address'
      WHEN NOT host_fits OR artifact_name IS NULL THEN 'not the address of a package: ' || expected || ' is expected'
    END AS reason
  FROM packages
)
SELECT
  @claim_columns(
    namespace_comment := 'npm scope with its @; else empty',
    name_comment := 'Name as the registry writes it: npm and Go keep their case, crates.io and PyPI are in lower case'
  )
FROM claims
