MODEL (
  name intermediate.int_metrics__dependencies,
  kind FULL,
  description 'Metrics of who depends on the packages of an entity, by the bills of materials of repositories as they are now.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id, sample_date, is_latest),
  audits (
    unique_combination_of_columns(columns := (metric_id, entity_type, entity_id, sample_date, is_latest)),
    not_null(columns := (metric_id, metric_name, entity_type, entity_id, grain, sample_date, amount))
  )
);

WITH as_of AS ( -- the first day that is not over
  SELECT CAST(@execution_ds AS DATE) AS day
), dependencies AS ( -- a repository does not depend on itself
  SELECT DISTINCT
    names.artifact_id AS dependent_id, @entity_id(packages.package_source, packages.package_namespace, packages.package_name) AS package_id
  FROM staging.stg_github__sbom_packages AS packages
  INNER JOIN intermediate.int_repository_names AS names ON packages.repository = names.full_name
  WHERE NOT (packages.package_source = 'GITHUB' AND packages.package_namespace || '/' || packages.package_name = packages.repository)
), owners AS (
  SELECT artifact_id, entity_type, entity_id FROM intermediate.int_entities_by_artifact
), rows_of_entities AS ( -- what an entity uses of its own is no dependence on it
  SELECT
    'GITHUB' AS metric_source, owners.entity_type, owners.entity_id, 'all' AS grain, CAST(DATE_ADD('day', -1, as_of.day) AS DATE) AS sample_date,
    FALSE AS is_latest, dependencies.dependent_id
  FROM dependencies
  INNER JOIN owners ON dependencies.package_id = owners.artifact_id
  LEFT JOIN owners AS own
    ON dependencies.dependent_id = own.artifact_id AND owners.entity_type = own.entity_type AND owners.entity_id = own.entity_id
  CROSS JOIN as_of
  WHERE own.artifact_id IS NULL
), wide AS (
  @metric_values(dependencies, rows_of_entities)
), long AS (
  @metric_rows(dependencies, wide)
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM long
)
SELECT
  @metric_columns()
FROM named
