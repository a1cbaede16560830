MODEL (
  name intermediate.int_accounts__github,
  kind FULL,
  description 'Accounts that did something in repositories of GitHub, under each of their names: which person each is, and whether it is a program as far as is known now.',
  owner 'team:data',
  grain (login, actor_id),
  audits (
    unique_combination_of_columns(columns := (login, actor_id)),
    not_null(columns := (login, person, is_bot))
  )
);

WITH bots AS ( -- as they are known now: one that became known later is a bot in the past too
  SELECT login FROM staging.seed_bots
  UNION
  SELECT login FROM staging.stg_github__bots
), names AS (
  SELECT from_login AS login, from_actor_id AS actor_id, MAX(CASE WHEN from_artifact_is_bot THEN 1 ELSE 0 END) AS was_bot
  FROM intermediate.int_events__github
  WHERE from_login IS NOT NULL
  GROUP BY from_login, from_actor_id
), people AS ( -- who is known by a login alone is the account that bore it last
  SELECT
    names.login, names.actor_id,
    COALESCE(CAST(COALESCE(names.actor_id, MAX(names.actor_id) OVER (PARTITION BY names.login)) AS VARCHAR), names.login) AS person,
    CASE WHEN names.was_bot = 1 OR bots.login IS NOT NULL THEN 1 ELSE 0 END AS is_bot
  FROM names
  LEFT JOIN bots ON names.login = bots.login
), marked AS ( -- an account that is a bot under one of its names is one under all
  SELECT login, actor_id, person, MAX(is_bot) OVER (PARTITION BY person) AS is_bot FROM people
)
SELECT
  CAST(login AS VARCHAR) AS login, -- Login of the account, in lower case
  CAST(actor_id AS BIGINT) AS actor_id, -- GitHub's id of it; empty where an event does not say
  CAST(person AS VARCHAR) AS person, -- GitHub's id of the account, also where it was renamed; its login where no id is known
  CAST(is_bot = 1 AS BOOLEAN) AS is_bot -- Whether it is a program: by its name, by GitHub, or by seeds/bots.csv
FROM marked
