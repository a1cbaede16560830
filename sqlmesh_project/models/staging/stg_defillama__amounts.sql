MODEL (
  name staging.stg_defillama__amounts,
  kind VIEW,
  description 'What DefiLlama has of protocols by chain and day, in US dollars: value locked (over all its tokens), trading volume, fees.',
  owner 'team:data',
  grain (event_type, slug, chain, event_day),
  audits (
    unique_combination_of_columns_non_blocking(columns := (event_type, slug, chain, event_day)),
    not_null_non_blocking(columns := (event_type, slug, chain, event_day, amount))
  )
);

WITH amounts AS (
  SELECT 'TVL' AS event_type, slug, chain, @utc_day(time) AS event_day, tvl AS amount FROM defillama.tvl_events
  UNION ALL
  SELECT 'TRADING_VOLUME' AS event_type, slug, chain, @utc_day(time) AS event_day, amount FROM defillama.trading_volume
  UNION ALL
  SELECT 'LP_FEES' AS event_type, slug, chain, @utc_day(time) AS event_day, amount FROM defillama.fees
)
SELECT
  CAST(event_type AS VARCHAR) AS event_type, -- TVL, TRADING_VOLUME or LP_FEES
  CAST(LOWER(slug) AS VARCHAR) AS slug, -- Protocol, in lower case
  CAST(UPPER(REGEXP_REPLACE(chain, '[^A-Za-z0-9]+', '_')) AS VARCHAR) AS chain, -- Chain as DefiLlama calls it, in upper case
  CAST(event_day AS DATE) AS event_day, -- Day, UTC
  CAST(SUM(amount) AS DOUBLE) AS amount -- US dollars: value at that moment, or volume and fees of the day
FROM amounts
WHERE amount IS NOT NULL
GROUP BY event_type, LOWER(slug), UPPER(REGEXP_REPLACE(chain, '[^A-Za-z0-9]+', '_')), event_day
