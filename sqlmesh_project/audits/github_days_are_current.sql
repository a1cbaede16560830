-- Days whose events changed after they were computed: loaded late, corrected, or of a repository that was named since. The job
-- sqlmesh_restate computes int_events__github again for them.
AUDIT (name github_days_are_current, blocking false);

WITH landed AS (
  SELECT events.event_day, COUNT(*) AS events
  FROM staging.stg_github__events AS events
  INNER JOIN (SELECT DISTINCT repo_id FROM intermediate.int_repository_names) AS repositories ON events.repo_id = repositories.repo_id
  WHERE (events.type IN ('IssueCommentEvent', 'PullRequestReviewCommentEvent') AND events.action = 'created') OR events.type = 'ForkEvent'
  GROUP BY events.event_day
), computed AS (
  SELECT bucket_day AS event_day, SUM(count) AS events
  FROM @this_model
  WHERE event_type IN ('ISSUE_COMMENT', 'PULL_REQUEST_REVIEW_COMMENT', 'FORKED')
  GROUP BY bucket_day
)
SELECT COALESCE(landed.event_day, computed.event_day) AS event_day, landed.events AS landed, computed.events AS computed
FROM landed
FULL OUTER JOIN computed ON landed.event_day = computed.event_day
WHERE COALESCE(landed.events, 0) <> COALESCE(computed.events, 0) AND COALESCE(landed.event_day, computed.event_day) < CAST(@execution_ds AS DATE)
