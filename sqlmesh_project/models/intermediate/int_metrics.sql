MODEL (
  name intermediate.int_metrics,
  kind VIEW,
  description 'Metrics of all relations, without what is withheld: numbers with a day in them of which too little is held.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id, sample_date, is_latest),
  depends_on (
    intermediate.int_events_daily__github, intermediate.int_events_daily__onchain, intermediate.int_events_daily__funding, intermediate.int_events__usage
  ), -- the audits read them
  audits (
    not_null(columns := (metric_id, entity_type, entity_id, sample_date, amount)),
    sums_equal_days(metric := 'stars', of := intermediate.int_events_daily__github, event_type := 'STARRED', day := bucket_day),
    sums_equal_days(metric := 'commits', of := intermediate.int_events_daily__github, event_type := 'COMMIT_CODE', day := bucket_day),
    sums_equal_days(metric := 'releases', of := intermediate.int_events_daily__github, event_type := 'RELEASE_PUBLISHED', day := bucket_day),
    sums_equal_days(metric := 'transactions', of := intermediate.int_events_daily__onchain, event_type := 'CONTRACT_INVOCATION', day := bucket_day),
    sums_equal_days(metric := 'gas_fees', of := intermediate.int_events_daily__onchain, event_type := 'GAS_FEES', day := bucket_day),
    sums_equal_days(metric := 'funding_received', of := intermediate.int_events_daily__funding, event_type := 'GRANT_RECEIVED_USD', day := bucket_day),
    sums_equal_days(metric := 'downloads', of := intermediate.int_events__usage, event_type := 'DOWNLOADS', day := event_day),
    sums_equal_days(metric := 'donations_received', of := intermediate.int_events__usage, event_type := 'DONATION_RECEIVED_USD', day := event_day)
  )
);

WITH withheld AS ( -- an open span has no first day, or is not over
  SELECT DISTINCT metric_source, metric, COALESCE(since, DATE '1970-01-01') AS since, COALESCE(until, DATE '9999-12-31') AS until
  FROM intermediate.int_metric_coverage
  WHERE standing = 'withheld'
), computed AS (
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__github_activity WHERE grain <> 'mark'
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__github_people
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__github_items
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__onchain WHERE grain <> 'mark'
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__funding
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__usage
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__dependencies
), named AS ( -- a number with a day in it that is known to be hollow is none: what is withheld stands in metric_coverage_v0
  SELECT computed.metric_id, computed.metric_name, computed.metric_source, computed.metric, computed.entity_type, computed.entity_id,
    computed.grain, computed.sample_date, computed.is_latest, computed.amount
  FROM computed
  LEFT JOIN withheld
    ON computed.metric = withheld.metric AND (withheld.metric_source = '*' OR computed.metric_source = withheld.metric_source)
    AND (computed.grain <> 'all' OR @bounds_nothing(computed.metric))
    AND @sample_start(computed.grain, computed.sample_date) < withheld.until AND @sample_end(computed.grain, computed.sample_date) > withheld.since
  WHERE withheld.metric IS NULL
)
SELECT
  @metric_columns()
FROM named
