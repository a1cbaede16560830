MODEL (
  name marts.package_owners_v0,
  kind FULL,
  description 'In which repository each package is made, by what deps.dev reads in the package itself: anybody can claim any repository.',
  owner 'team:data',
  grain (package_artifact_id, package_project_id, package_owner_project_id),
  audits (
    unique_combination_of_columns_non_blocking(columns := (package_artifact_id, package_project_id, package_owner_project_id)),
    not_null_non_blocking(columns := (package_artifact_id, package_artifact_source, package_artifact_name, package_owner_artifact_id, package_owner_source, package_owner_artifact_namespace, package_owner_artifact_name))
  )
);

WITH packages AS (
  SELECT
    packages.package_source, packages.package_namespace, packages.package_name,
    @entity_id(packages.package_source, packages.package_namespace, packages.package_name) AS package_artifact_id,
    COALESCE(names.artifact_namespace, SPLIT_PART(packages.repository, '/', 1)) AS owner_namespace,
    COALESCE(names.artifact_name, NULLIF(SPLIT_PART(packages.repository, '/', 2), '')) AS owner_name
  FROM staging.stg_deps_dev__packages AS packages
  LEFT JOIN intermediate.int_repository_names AS names ON packages.repository = names.full_name
  WHERE packages.repository IS NOT NULL
), identified AS (
  SELECT package_source, package_namespace, package_name, package_artifact_id, owner_namespace, owner_name,
    @entity_id('GITHUB', owner_namespace, owner_name) AS owner_artifact_id
  FROM packages
)
SELECT
  CAST(claimants.project_id AS VARCHAR) AS package_project_id, -- Project that claims the package; one row for each; empty where none does
  CAST(identified.package_artifact_id AS VARCHAR) AS package_artifact_id, -- Id of the package
  CAST(identified.package_source AS VARCHAR) AS package_artifact_source, -- Package system: NPM, CRATES, PYPI, GO
  CAST(identified.package_namespace AS VARCHAR) AS package_artifact_namespace, -- npm scope with its @; else empty text
  CAST(identified.package_name AS VARCHAR) AS package_artifact_name, -- Name of the package
  CAST(owners.project_id AS VARCHAR) AS package_owner_project_id, -- Project of the repository; one row for each; empty where none has it
  CAST(identified.owner_artifact_id AS VARCHAR) AS package_owner_artifact_id, -- Id of the repository
  CAST('GITHUB' AS VARCHAR) AS package_owner_source, -- Always GITHUB
  CAST(identified.owner_namespace AS VARCHAR) AS package_owner_artifact_namespace, -- Owner of the repository
  CAST(identified.owner_name AS VARCHAR) AS package_owner_artifact_name -- Name of the repository
FROM identified
LEFT JOIN intermediate.int_artifacts_by_project AS claimants ON identified.package_artifact_id = claimants.artifact_id
LEFT JOIN intermediate.int_artifacts_by_project AS owners ON identified.owner_artifact_id = owners.artifact_id
