MODEL (
  name marts.sboms_v0,
  kind FULL,
  description 'Which repository depends on which package, by its software bill of materials, transitively; the repository itself is not in it. The columns from_… and to_package_… are those of older queries, dependent_… and package_… of newer ones.',
  owner 'team:data',
  grain (from_project_id, from_artifact_id, to_package_artifact_id),
  audits (
    unique_combination_of_columns(columns := (from_project_id, from_artifact_id, to_package_artifact_id)),
    not_null(columns := (from_artifact_id, from_artifact_source, from_artifact_namespace, from_artifact_name, to_package_artifact_id, to_package_artifact_source, to_package_artifact_name))
  )
);

WITH packages AS (
  SELECT DISTINCT names.artifact_id, names.artifact_namespace, names.artifact_name, packages.package_source, packages.package_namespace, packages.package_name
  FROM staging.stg_github__sbom_packages AS packages
  INNER JOIN intermediate.int_repository_names AS names ON packages.repository = names.full_name
  WHERE NOT (packages.package_source = 'GITHUB' AND packages.package_namespace || '/' || packages.package_name = packages.repository)
), identified AS (
  SELECT artifact_id, artifact_namespace, artifact_name, package_source, package_namespace, package_name,
    @entity_id(package_source, package_namespace, package_name) AS package_artifact_id
  FROM packages
), projects AS ( -- who claims the package; one project where several do
  SELECT artifact_id, MIN(project_id) AS project_id FROM intermediate.int_artifacts_by_project GROUP BY artifact_id
)
SELECT
  CAST(dependents.project_id AS VARCHAR) AS from_project_id, -- Project of the repository; one row for each; empty where none has it
  CAST(identified.artifact_id AS VARCHAR) AS from_artifact_id, -- Id of the repository
  CAST('GITHUB' AS VARCHAR) AS from_artifact_source, -- Always GITHUB
  CAST(identified.artifact_namespace AS VARCHAR) AS from_artifact_namespace, -- Owner of the repository
  CAST(identified.artifact_name AS VARCHAR) AS from_artifact_name, -- Name of the repository
  CAST(projects.project_id AS VARCHAR) AS to_package_project_id, -- Project that claims the package; empty where none does
  CAST(identified.package_artifact_id AS VARCHAR) AS to_package_artifact_id, -- Id of the package
  CAST(identified.package_source AS VARCHAR) AS to_package_artifact_source, -- Package system: NPM, CRATES, PYPI, GO …
  CAST(identified.package_namespace AS VARCHAR) AS to_package_artifact_namespace, -- npm scope with its @; else empty text
  CAST(identified.package_name AS VARCHAR) AS to_package_artifact_name, -- Name of the package
  CAST(identified.artifact_id AS VARCHAR) AS dependent_artifact_id, -- Id of the repository
  CAST('GITHUB' AS VARCHAR) AS dependent_artifact_source, -- Always GITHUB
  CAST(identified.artifact_namespace AS VARCHAR) AS dependent_artifact_namespace, -- Owner of the repository
  CAST(identified.artifact_name AS VARCHAR) AS dependent_artifact_name, -- Name of the repository
  CAST(identified.package_artifact_id AS VARCHAR) AS package_artifact_id, -- Id of the package
  CAST(identified.package_source AS VARCHAR) AS package_artifact_source, -- Package system
  CAST(identified.package_namespace AS VARCHAR) AS package_artifact_namespace, -- npm scope with its @; else empty text
  CAST(identified.package_name AS VARCHAR) AS package_artifact_name -- Name of the package
FROM identified
LEFT JOIN intermediate.int_artifacts_by_project AS dependents ON identified.artifact_id = dependents.artifact_id
LEFT JOIN projects ON identified.package_artifact_id = projects.artifact_id
