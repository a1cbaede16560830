-- Days whose events changed after they were computed: loaded late, corrected, or of a repository that was named since; also the
-- history of a repository that came later. What has one source is counted on both sides: comments and forks of the feeds, listed
-- commits, and the counts of stars. Issues, pull requests and releases come of a feed or of what GitHub has, whichever was there:
-- of them each that landed must be there, by its id or as the same happening that the other side tells. The job sqlmesh_restate
-- computes int_events__github again for them. It does not block: the other days are right, and these are as they were.
AUDIT (name github_days_are_current, blocking false);

WITH repositories AS (
  SELECT DISTINCT repo_id FROM intermediate.int_repository_names
), star_days AS (
  SELECT names.repo_id, stars.event_day, MAX(stars.stars) AS stars
  FROM staging.stg_github__stars AS stars
  INNER JOIN intermediate.int_repository_names AS names ON stars.repository = names.full_name
  GROUP BY names.repo_id, stars.event_day
), events AS (
  SELECT events.event_id, events.event_day, events.type, events.action, events.repo_id, events.number, events.release_id
  FROM staging.stg_github__events AS events
  INNER JOIN repositories ON events.repo_id = repositories.repo_id
), facts AS (
  SELECT facts.event_type, facts.fact_id, facts.event_day, facts.repo_id, facts.number, facts.happened_at
  FROM staging.stg_github__facts AS facts
  INNER JOIN repositories ON facts.repo_id = repositories.repo_id
), landed AS (
  SELECT event_day, 'feed' AS told_by, COUNT(*) AS events
  FROM events
  WHERE (type IN ('IssueCommentEvent', 'PullRequestReviewCommentEvent') AND action = 'created') OR type = 'ForkEvent'
  GROUP BY event_day
  UNION ALL
  SELECT event_day, 'fact' AS told_by, COUNT(*) AS events
  FROM facts
  WHERE event_type = 'COMMIT_CODE'
  GROUP BY event_day
  UNION ALL
  SELECT event_day, 'count' AS told_by, SUM(stars) AS events
  FROM star_days
  GROUP BY event_day
), computed AS (
  SELECT event_day, told_by, SUM(CASE WHEN told_by = 'count' THEN amount ELSE 1 END) AS events
  FROM intermediate.int_events__github
  WHERE (told_by = 'feed' AND event_type IN ('ISSUE_COMMENT', 'PULL_REQUEST_REVIEW_COMMENT', 'FORKED'))
    OR (told_by = 'fact' AND event_type = 'COMMIT_CODE')
    OR told_by = 'count'
  GROUP BY event_day, told_by
), items AS ( -- issues, pull requests and releases as they were computed
  SELECT event_source_id, event_day, event_type, repo_id, number, time, told_by
  FROM intermediate.int_events__github
  WHERE event_type LIKE 'ISSUE_%' OR event_type LIKE 'PULL_REQUEST_%' OR event_type = 'RELEASE_PUBLISHED'
), unseen_events AS ( -- a closing counts as there when a merging stands in its place
  SELECT events.event_day, COUNT(*) AS events
  FROM events
  LEFT JOIN items ON events.event_id = items.event_source_id AND events.event_day = items.event_day
  LEFT JOIN items AS mergings
    ON events.type = 'PullRequestEvent' AND mergings.event_type = 'PULL_REQUEST_MERGED'
    AND events.repo_id = mergings.repo_id AND events.number = mergings.number
  WHERE (
    (events.type IN ('IssuesEvent', 'PullRequestEvent') AND events.action IN ('opened', 'closed', 'reopened', 'merged'))
    OR (events.type = 'ReleaseEvent' AND events.action = 'published')
  )
    AND items.event_source_id IS NULL AND mergings.event_source_id IS NULL
  GROUP BY events.event_day
), releases AS (
  SELECT DISTINCT events.repo_id, CAST(events.release_id AS VARCHAR) AS fact_id
  FROM events
  INNER JOIN items ON events.event_id = items.event_source_id AND events.event_day = items.event_day
  WHERE events.type = 'ReleaseEvent'
), unseen_facts AS (
  SELECT facts.event_day, COUNT(DISTINCT facts.event_type || facts.fact_id) AS events
  FROM facts
  LEFT JOIN items AS own ON facts.event_type = own.event_type AND facts.fact_id = own.event_source_id AND facts.event_day = own.event_day
  LEFT JOIN items AS told
    ON facts.event_type = told.event_type AND facts.repo_id = told.repo_id AND facts.number = told.number
    AND ABS(TO_UNIXTIME(facts.happened_at) - TO_UNIXTIME(told.time)) <= 60
  LEFT JOIN releases ON facts.event_type = 'RELEASE_PUBLISHED' AND facts.repo_id = releases.repo_id AND facts.fact_id = releases.fact_id
  WHERE facts.event_type <> 'COMMIT_CODE'
    AND own.event_source_id IS NULL AND told.event_source_id IS NULL AND releases.fact_id IS NULL
  GROUP BY facts.event_day
), changed AS (
  SELECT
    COALESCE(landed.event_day, computed.event_day) AS event_day, COALESCE(landed.told_by, computed.told_by) AS told_by,
    COALESCE(landed.events, 0) AS landed, COALESCE(computed.events, 0) AS computed
  FROM landed
  FULL OUTER JOIN computed ON landed.event_day = computed.event_day AND landed.told_by = computed.told_by
  UNION ALL
  SELECT event_day, 'issues, pull requests and releases of the feeds' AS told_by, events AS landed, 0 AS computed FROM unseen_events
  UNION ALL
  SELECT event_day, 'issues, pull requests and releases that GitHub has' AS told_by, events AS landed, 0 AS computed FROM unseen_facts
)
SELECT event_day, told_by, landed, computed
FROM changed
WHERE landed <> computed
  AND event_day >= DATE '2015-01-01' -- where int_events__github begins
  AND event_day < CAST(@execution_ds AS DATE)
