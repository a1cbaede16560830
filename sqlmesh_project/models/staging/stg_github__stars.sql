MODEL (
  name staging.stg_github__stars,
  kind VIEW,
  description 'Stars that repositories were given by day and that are still there, as GitHub counts them.',
  owner 'team:data',
  grain (repository, event_day),
  audits (unique_combination_of_columns(columns := (repository, event_day)), not_null(columns := (repository, event_day, stars, asked_on)))
);

SELECT
  CAST(repository AS VARCHAR) AS repository, -- owner/name in lower case, under which it was asked
  CAST(day AS DATE) AS event_day, -- Day, as GitHub cuts them
  CAST(stars AS BIGINT) AS stars, -- Stars of that day
  CAST(@utc_day(checked_at) AS DATE) AS asked_on -- Day on which GitHub was asked for it, UTC
FROM github.stars_by_day
