MODEL (
  name staging.seed_bots,
  kind SEED (path '../../seeds/bots.csv'),
  description 'Accounts of GitHub that are programs and neither end in [bot] nor are marked by GitHub as such; reviewed by people.',
  owner 'team:data',
  grain login,
  columns (login VARCHAR, read_in VARCHAR),
  column_descriptions (login = 'Login of the account, in lower case', read_in = 'Where it says so'),
  audits (unique_values(columns := login), not_null(columns := (login, read_in)))
);
