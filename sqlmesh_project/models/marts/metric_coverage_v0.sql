MODEL (
  name marts.metric_coverage_v0,
  kind VIEW,
  description 'How complete the numbers of each metric are, by span: as measured beside another count of upstream, and in which regimes upstreams said less. A metric without a row has no input that is measured.',
  owner 'team:data',
  grain (metric_source, metric, entity_type, since, until, regime),
  audits (
    unique_combination_of_columns(columns := (metric_source, metric, entity_type, since, until, regime)),
    not_null(columns := (metric_source, metric, entity_type, regime, standing, reason))
  )
);

WITH entity_types AS (
  SELECT entity_type FROM (VALUES 'artifact', 'project', 'collection') AS types(entity_type)
)
SELECT
  CAST(coverage.metric_source AS VARCHAR) AS metric_source, -- What the names begin with: GITHUB, a chain; * for all
  CAST(coverage.metric AS VARCHAR) AS metric, -- Metric: the middle of the published name
  CAST(entity_types.entity_type AS VARCHAR) AS entity_type, -- artifact, project or collection
  CAST(coverage.since AS DATE) AS since, -- First day of the span; empty: from the first
  CAST(coverage.until AS DATE) AS until, -- First day after the span; empty: to the last, or while it lasts
  CAST(coverage.coverage_low AS DOUBLE) AS coverage_low, -- Share of what truly happened that is held, at least; empty where nobody knows
  CAST(coverage.coverage_high AS DOUBLE) AS coverage_high, -- Share that is held, at most; empty where nobody knows
  CAST(coverage.regime AS VARCHAR) AS regime, -- measured, or the name of a regime
  CAST(coverage.standing AS VARCHAR) AS standing, -- complete, lower_bound, withheld (not published) or not_measured
  CAST(coverage.reason AS VARCHAR) AS reason, -- Why, with the inputs or the source
  CAST(coverage.measured_at AS TIMESTAMP(6) WITH TIME ZONE) AS measured_at -- When it was measured; empty for a regime
FROM intermediate.int_metric_coverage AS coverage
CROSS JOIN entity_types
