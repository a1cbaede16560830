MODEL (
  name staging.seed_regimes,
  kind SEED (path '../../seeds/regimes.csv'),
  description 'Spans in which an upstream said less than it did before, or than it does elsewhere; reviewed by people.',
  owner 'team:data',
  grain (table_name, category, since, regime),
  columns (
    table_name VARCHAR, category VARCHAR, since VARCHAR, until VARCHAR, regime VARCHAR, coverage_low DOUBLE, coverage_high DOUBLE, standing VARCHAR,
    reason VARCHAR, read_in VARCHAR
  ),
  column_descriptions (
    table_name = 'Raw table, as source.table', category = 'Category of its rows; * for all', since = 'First day, as YYYY-MM-DD', until = 'First day after it; empty while it lasts',
    regime = 'Name of the regime', coverage_low = 'Share of what truly happened that is there, at least; empty where nobody knows',
    coverage_high = 'Share of what truly happened that is there, at most; empty where nobody knows', standing = 'What a number is that comes of it: lower_bound',
    reason = 'What upstream does', read_in = 'Where it says so'
  ),
  audits (
    unique_combination_of_columns(columns := (table_name, category, since, regime)),
    not_null(columns := (table_name, category, since, regime, standing, reason, read_in)),
    accepted_values(column := standing, is_in := ('lower_bound'))
  )
);
