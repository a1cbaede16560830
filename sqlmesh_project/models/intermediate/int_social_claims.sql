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
    CASE WHEN artifact_source = 'FARCASTER' AND path LIKE '~/channel/%' THEN 'channel' ELSE '' END AS artifact_namespace,
    CASE
      WHEN artifact_source = 'TWITTER' AND host IN ('twitter.com', 'x.com', 'mobile.twitter.com')
        THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^@?([A-Za-z0-9_]+)', 1), ''))
      WHEN artifact_source = 'FARCASTER' AND host IN ('warpcast.com', 'farcaster.xyz')
        THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^(?:~/channel/)?([A-Za-z0-9._-]+)', 1), ''))
      WHEN artifact_source = 'TELEGRAM' AND host IN ('t.me', 'telegram.me') AND REGEXP_LIKE(path, '^([+]|joinchat/)')
        THEN '+' || NULLIF(REGEXP_EXTRACT(path, '^(?:[+]|joinchat/)([A-Za-z0-9_-]+)', 1), '')
      WHEN artifact_source = 'TELEGRAM' AND host IN ('t.me', 'telegram.me')
        THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^(?:s/)?([A-Za-z0-9_]+)', 1), ''))
      WHEN artifact_source = 'MIRROR' AND host = 'mirror.xyz' THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^([^/]+)', 1), ''))
      WHEN artifact_source = 'MIRROR' THEN NULLIF(REGEXP_EXTRACT(host, '^([^.]+)[.]mirror[.]xyz\z', 1), '')
      WHEN artifact_source = 'MEDIUM' AND host = 'medium.com' THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^(@?[^/]+)', 1), ''))
      WHEN artifact_source = 'MEDIUM' THEN NULLIF(REGEXP_EXTRACT(host, '^([^.]+)[.]medium[.]com\z', 1), '')
    END AS artifact_name
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
    CASE artifact_source
      WHEN 'TWITTER' THEN 'https://x.com/' || artifact_name
      WHEN 'FARCASTER' THEN 'https://farcaster.xyz/' || CASE artifact_namespace WHEN 'channel' THEN '~/channel/' ELSE '' END || artifact_name
      WHEN 'TELEGRAM' THEN 'https://t.me/' || artifact_name
      WHEN 'MIRROR' THEN 'https://mirror.xyz/' || artifact_name
      ELSE 'https://medium.com/' || artifact_name
    END AS artifact_url,
    FALSE AS is_organization,
    CASE
      WHEN url IS NULL OR @trimmed(url) = '' THEN 'the entry has no address'
      WHEN host IS NULL THEN 'not an http(s) address'
      WHEN artifact_source NOT IN ('TWITTER', 'FARCASTER', 'TELEGRAM', 'MIRROR', 'MEDIUM') THEN 'a platform that is not known yet'
      WHEN artifact_name IS NULL THEN 'not the address of an account on this platform'
      WHEN artifact_source = 'TWITTER' AND artifact_name IN ('hashtag', 'home', 'i', 'intent', 'search', 'share')
        THEN 'a page of the platform itself, no account'
    END AS reason
  FROM names
)
SELECT
  @claim_columns(
    namespace_comment := 'channel for a Farcaster channel; else empty',
    name_comment := 'Name of the account, in lower case; a Telegram invitation keeps its case and its +'
  )
FROM claims
