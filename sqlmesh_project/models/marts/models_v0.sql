MODEL (
  name marts.models_v0,
  kind FULL,
  description 'Every model of this project: what it derives from, whether that is stable, how much of what truly happened its inputs hold, and which metrics it withholds.',
  owner 'team:data',
  grain model_name,
  audits (
    unique_values(columns := model_name),
    not_null(columns := (model_name, model_layer, model_kind, is_tainted, standing, is_withheld))
  )
);

WITH newest AS ( -- of each category of each table what was measured of its newest span
  SELECT table_name, coverage_low, coverage_high, verdict,
    ROW_NUMBER() OVER (PARTITION BY table_name, category ORDER BY COALESCE(until, DATE '9999-12-31') DESC, measured_at DESC) AS place
  FROM staging.stg_platform__coverage
), listed AS (
  SELECT models.model_name, tables.table_name
  FROM staging.seed_models AS models
  CROSS JOIN UNNEST(SPLIT(models.raw_tables, ';')) AS tables(table_name)
), covered AS (
  SELECT
    listed.model_name, MIN(newest.coverage_low) AS coverage_low, MIN(newest.coverage_high) AS coverage_high,
    MAX(CASE newest.verdict WHEN 'breached' THEN 1 ELSE 0 END) AS is_breached, COUNT(newest.coverage_high) AS measured
  FROM listed
  INNER JOIN newest ON listed.table_name = newest.table_name AND newest.place = 1
  GROUP BY listed.model_name
), withheld AS (
  SELECT ARRAY_JOIN(ARRAY_AGG(DISTINCT metric_source || '_' || metric ORDER BY metric_source || '_' || metric), ', ') AS metrics
  FROM intermediate.int_metric_coverage
  WHERE standing = 'withheld'
), judged AS (
  SELECT
    models.model_name, models.kind, models.sources, models.raw_tables, models.unstable_sources, covered.coverage_low, covered.coverage_high,
    CASE WHEN covered.is_breached = 1 THEN 'lower_bound' WHEN covered.measured > 0 THEN 'complete' ELSE 'not_measured' END AS standing,
    CASE
      WHEN models.model_name IN ('intermediate.int_metrics', 'intermediate.int_key_metrics') OR models.model_name LIKE 'marts.%_metrics_by_%' THEN withheld.metrics
    END AS withheld_metrics
  FROM staging.seed_models AS models
  LEFT JOIN covered ON models.model_name = covered.model_name
  CROSS JOIN withheld
)
SELECT
  CAST(model_name AS VARCHAR) AS model_name, -- Model, as layer.name
  CAST(SPLIT_PART(model_name, '.', 1) AS VARCHAR) AS model_layer, -- staging, intermediate or marts
  CAST(kind AS VARCHAR) AS model_kind, -- How SQLMesh computes it
  CAST(COALESCE(sources, '') AS VARCHAR) AS sources, -- Sources that it derives from, with ; between them
  CAST(COALESCE(raw_tables, '') AS VARCHAR) AS raw_tables, -- Raw tables that it derives from, with ; between them
  CAST(unstable_sources IS NOT NULL AS BOOLEAN) AS is_tainted, -- Whether it derives from an unstable source
  CAST(COALESCE(unstable_sources, '') AS VARCHAR) AS tainted_by, -- These sources, with ; between them
  CAST(coverage_low AS DOUBLE) AS coverage_low, -- Share of what truly happened that the input that lacks most holds, at least; empty where none is measured
  CAST(coverage_high AS DOUBLE) AS coverage_high, -- Share that it holds, at most
  CAST(standing AS VARCHAR) AS standing, -- complete (of what is measured), lower_bound or not_measured
  CAST(COALESCE(withheld_metrics, '') <> '' AS BOOLEAN) AS is_withheld, -- Whether some of its numbers are not published
  CAST(COALESCE(withheld_metrics, '') AS VARCHAR) AS withheld_metrics -- Metrics of which some spans are not published
FROM judged
