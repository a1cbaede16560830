-- Days whose events changed after they were computed: loaded late, corrected, or of a repository that was named since; also the
-- history of a repository that came later. Compared is what has one source: comments and forks of the feeds, listed commits, and
-- the counts of stars; the others come of a feed or of what GitHub has, whichever was there. The job sqlmesh_restate computes
-- int_events__github again for them.
AUDIT (name github_days_are_current, blocking false);

WITH repositories AS (
  SELECT DISTINCT repo_id FROM intermediate.int_repository_names
), star_days AS (
  SELECT names.repo_id, stars.event_day, MAX(stars.stars) AS stars
  FROM staging.stg_github__stars AS stars
  INNER JOIN intermediate.int_repository_names AS names ON stars.repository = names.full_name
  GROUP BY names.repo_id, stars.event_day
), landed AS (
  SELECT events.event_day, 'feed' AS told_by, COUNT(*) AS events
  FROM staging.stg_github__events AS events
  INNER JOIN repositories ON events.repo_id = repositories.repo_id
  WHERE (events.type IN ('IssueCommentEvent', 'PullRequestReviewCommentEvent') AND events.action = 'created') OR events.type = 'ForkEvent'
  GROUP BY events.event_day
  UNION ALL
  SELECT facts.event_day, 'fact' AS told_by, COUNT(*) AS events
  FROM staging.stg_github__facts AS facts
  INNER JOIN repositories ON facts.repo_id = repositories.repo_id
  WHERE facts.event_type = 'COMMIT_CODE'
  GROUP BY facts.event_day
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
)
SELECT
  COALESCE(landed.event_day, computed.event_day) AS event_day, COALESCE(landed.told_by, computed.told_by) AS told_by, landed.events AS landed, computed.events AS computed
FROM landed
FULL OUTER JOIN computed ON landed.event_day = computed.event_day AND landed.told_by = computed.told_by
WHERE COALESCE(landed.events, 0) <> COALESCE(computed.events, 0)
  AND COALESCE(landed.event_day, computed.event_day) >= DATE '2015-01-01' -- where int_events__github begins
  AND COALESCE(landed.event_day, computed.event_day) < CAST(@execution_ds AS DATE)
