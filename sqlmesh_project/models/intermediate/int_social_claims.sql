MODEL (
  name intermediate.int_social_claims,
  kind VIEW,
  description 'Which accounts the social addresses of projects stand for, or why they stand for nothing.',
  owner 'team:data',
  grain (project_name, kind, position),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position)),
    not_null(columns := (project_name, kind, position, is_organization)),
    accepted_claim_is_named
  )
);

WITH entries AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    host,
    path,
    UPPER(SUBSTR(kind, 8)) AS artifact_source
  FROM staging.stg_oss_directory__urls
  WHERE kind LIKE 'social/%'
), names AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    host,
    artifact_source,
    @account_namespace(artifact_source, path) AS artifact_namespace,
    @account_name(artifact_source, host, path) AS artifact_name
  FROM entries
), claims AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    artifact_source,
    artifact_namespace,
    artifact_name,
    @account_url(artifact_source, artifact_namespace, artifact_name) AS artifact_url,
    FALSE AS is_organization,
    CASE
      WHEN url IS NULL OR @trimmed(url) = '' THEN 'the entry has no address'
      WHEN host IS NULL THEN 'not an http(s) address'
      WHEN artifact_source NOT IN ('TWITTER', 'FARCASTER', 'TELEGRAM', 'MIRROR', 'MEDIUM') THEN 'a platform that is not known yet'
      WHEN artifact_name IS NULL THEN 'not the address of an account on this platform'
      WHEN @is_page_of_platform(artifact_source, artifact_name) THEN 'a page of the platform itself, no account'
    END AS reason
  FROM names
)
SELECT
  @claim_columns(
    namespace_comment := 'channel for a Farcaster channel; else empty',
    name_comment := 'Name of the account, in lower case; a Telegram invitation keeps its case and its +'
  )
FROM claims
