MODEL (
  name staging.stg_oss_directory__urls,
  kind FULL, -- a filter on a view of these expressions makes DuckDB compute them many times over (5 s for 24,000 rows)
  description 'Every address that projects of OSS Directory list, one row per entry, taken apart into host and path. No entry is left out.',
  owner 'team:data',
  grain (project_name, kind, position),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position)),
    not_null(columns := (project_name, kind, position))
  )
);

WITH entries AS (
  SELECT project_name, 'websites' AS kind, position, url FROM oss_directory.projects__websites
  UNION ALL
  SELECT project_name, 'github' AS kind, position, url FROM oss_directory.projects__github
  UNION ALL
  SELECT project_name, 'npm' AS kind, position, url FROM oss_directory.projects__npm
  UNION ALL
  SELECT project_name, 'crates' AS kind, position, url FROM oss_directory.projects__crates
  UNION ALL
  SELECT project_name, 'pypi' AS kind, position, url FROM oss_directory.projects__pypi
  UNION ALL
  SELECT project_name, 'go' AS kind, position, url FROM oss_directory.projects__go
  UNION ALL
  SELECT project_name, 'open_collective' AS kind, position, url FROM oss_directory.projects__open_collective
  UNION ALL
  SELECT project_name, 'defillama' AS kind, position, url FROM oss_directory.projects__defillama
  UNION ALL
  SELECT project_name, 'social/' || platform AS kind, position, url FROM oss_directory.projects__social
), addresses AS (
  SELECT project_name, kind, position, url, @web_address(url) AS address FROM entries
), parts AS (
  SELECT project_name, kind, position, url, @web_host(address) AS host, @web_path(address) AS path, @web_query(address) AS query
  FROM addresses
)
SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Project that lists the address
  CAST(kind AS VARCHAR) AS kind, -- List that the entry stands in: github, npm …, social/<platform>
  CAST(position AS BIGINT) AS position, -- Place in that list, from 0
  CAST(url AS VARCHAR) AS url, -- Address as it stands in the directory
  CAST(CASE WHEN @is_web_host(host) THEN host END AS VARCHAR) AS host, -- Host in lower case without www; empty when this is no http(s) address
  CAST(path AS VARCHAR) AS path, -- Path without slashes at its ends
  CAST(query AS VARCHAR) AS query -- What follows the question mark
FROM parts
