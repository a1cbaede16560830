MODEL (
  name intermediate.int_github_claims,
  kind VIEW,
  description 'What the GitHub addresses of projects stand for: a repository, an organisation (expanded to its repositories elsewhere), or nothing, with the reason.',
  owner 'team:data',
  grain (project_name, kind, position),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position)),
    not_null(columns := (project_name, kind, position, is_organization)),
    accepted_claim_is_named
  )
);

WITH segments AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    host,
    path,
    LOWER(NULLIF(SPLIT_PART(path, '/', 1), '')) AS first_segment,
    LOWER(NULLIF(SPLIT_PART(path, '/', 2), '')) AS second_segment
  FROM staging.stg_oss_directory__urls
  WHERE kind = 'github'
), owners AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    host,
    CASE WHEN first_segment = 'orgs' THEN second_segment ELSE first_segment END AS owner,
    CASE WHEN first_segment = 'orgs' THEN NULL ELSE REGEXP_REPLACE(second_segment, '[.]git\z', '') END AS repository
  FROM segments
), claims AS (
  SELECT
    project_name,
    kind,
    position,
    url,
    'GITHUB' AS artifact_source,
    owner AS artifact_namespace,
    repository AS artifact_name,
    'https://github.com/' || owner || '/' || repository AS artifact_url,
    repository IS NULL AS is_organization,
    CASE
      WHEN url IS NULL OR @trimmed(url) = '' THEN 'the entry has no address'
      WHEN host IS NULL THEN 'not an http(s) address'
      WHEN host <> 'github.com' THEN 'not an address of github.com'
      WHEN owner IS NULL THEN 'names neither an owner nor a repository'
      WHEN owner IN (
        'about', 'apps', 'collections', 'customer-stories', 'enterprise', 'events', 'explore', 'features', 'issues', 'join',
        'login', 'marketplace', 'new', 'notifications', 'organizations', 'pricing', 'pulls', 'search', 'security', 'settings',
        'signup', 'site', 'sponsors', 'stars', 'topics', 'trending', 'users'
      ) THEN 'a page of GitHub itself, neither an owner nor a repository'
      WHEN NOT REGEXP_LIKE(owner, '^[a-z0-9][a-z0-9_-]*\z') THEN 'not a possible name of a GitHub owner'
      WHEN repository IN ('', '.', '..') OR NOT REGEXP_LIKE(repository, '^[a-z0-9._-]+\z')
        THEN 'not a possible name of a GitHub repository'
    END AS reason
  FROM owners
)
SELECT
  @claim_columns(
    namespace_comment := 'Owner of the repository, in lower case',
    name_comment := 'Name of the repository, in lower case; empty for an organisation'
  )
FROM claims
