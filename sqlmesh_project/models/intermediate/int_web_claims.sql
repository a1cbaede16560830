MODEL (
  name intermediate.int_web_claims,
  kind VIEW,
  description 'What the websites, Open Collective and DefiLlama addresses of projects stand for, or why they stand for nothing.',
  owner 'team:data',
  grain (project_name, kind, position),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position)),
    not_null(columns := (project_name, kind, position, is_organization)),
    accepted_claim_is_named
  )
);

WITH names AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    host,
    CASE kind WHEN 'websites' THEN 'WWW' WHEN 'open_collective' THEN 'OPEN_COLLECTIVE' ELSE 'DEFILLAMA' END AS artifact_source,
    CASE
      WHEN kind = 'websites' THEN host || COALESCE('/' || path, '') || COALESCE('?' || query, '')
      WHEN kind = 'open_collective' AND host = 'opencollective.com'
        THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^(?:[^/]+/projects/)?([A-Za-z0-9._-]+)', 1), ''))
      WHEN kind = 'defillama' AND host = 'defillama.com' THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^protocol/([^/]+)', 1), ''))
    END AS artifact_name
  FROM staging.stg_oss_directory__urls
  WHERE kind IN ('websites', 'open_collective', 'defillama')
), claims AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    artifact_source,
    '' AS artifact_namespace,
    artifact_name,
    CASE kind
      WHEN 'open_collective' THEN 'https://opencollective.com/' || artifact_name
      WHEN 'defillama' THEN 'https://defillama.com/protocol/' || artifact_name
      ELSE 'https://' || artifact_name
    END AS artifact_url,
    FALSE AS is_organization,
    CASE
      WHEN url IS NULL OR @trimmed(url) = '' THEN 'the entry has no address'
      WHEN host IS NULL THEN 'not an http(s) address'
      WHEN artifact_name IS NULL AND kind = 'defillama' THEN 'not the address of a protocol: defillama.com/protocol/<name> is expected'
      WHEN artifact_name IS NULL THEN 'not the address of a collective: opencollective.com/<name> is expected'
    END AS reason
  FROM names
)
SELECT
  @claim_columns(
    namespace_comment := 'Empty',
    name_comment := 'Website: host, path and query; else the name of the account, in lower case'
  )
FROM claims
