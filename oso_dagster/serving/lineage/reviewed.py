"""What of Dagster's GraphQL is let through, reviewed by hand for the versions of dagster that requirements.lock pins.

A root field stands on one of two lists; a new version with another one fails a test by its name. The fields are those that the
pages of lineage, catalogue, asset, checks, plots and runs ask for; what is on no list is refused.
"""

from __future__ import annotations

LET_THROUGH = frozenset((
    "assetCheckExecutions", "assetNodeDefinitionCollisions", "assetNodeOrError", "assetNodes", "assetOrError",
    "assetRecordsOrError", "assetsLatestInfo", "assetsOrError", "instance", "locationStatusesOrError",
    "partitionBackfillsOrError", "permissions", "pipelineRunOrError", "repositoriesOrError", "repositoryOrError",
    "runGroupOrError", "runOrError", "runsFeedCountOrError", "runsFeedOrError", "runsOrError", "shouldShowNux", "version",
    "workspaceLocationEntryOrError", "workspaceOrError",
))  # fmt: skip
"""Root fields: assets, their records and checks, the runs, where they were defined, whether daemons live."""

REFUSED = frozenset((
    "allTopLevelResourceDetailsOrError", "appManagedComponentsForLocationOrError", "assetBackfillPreview",
    "assetConditionEvaluationForPartition", "assetConditionEvaluationRecordsOrError",
    "assetConditionEvaluationsForEvaluationId", "assetNodeAdditionalRequiredKeys", "autoMaterializeAssetEvaluationsOrError",
    "autoMaterializeEvaluationsForEvaluationId", "autoMaterializeTicks", "canBulkTerminate", "capturedLogs",
    "capturedLogsMetadata", "componentTypesForLocationOrError", "componentsForLocationOrError", "executionPlanOrError",
    "graphOrError", "instigationStateOrError", "instigationStatesOrError", "isPipelineConfigValid", "latestDefsStateInfo",
    "logsForRun", "partitionBackfillOrError", "partitionSetOrError", "partitionSetsOrError", "pipelineOrError",
    "pipelineRunsOrError", "pipelineSnapshotOrError", "resourcesOrError", "runConfigSchemaOrError", "runIdsOrError",
    "runTagKeysOrError", "runTagsOrError", "scheduleOrError", "scheduler", "schedulesOrError", "sensorOrError",
    "sensorsOrError", "test", "topLevelResourceDetailsOrError", "truePartitionsForAutomationConditionEvaluationNode",
    "utilizedEnvVarsOrError",
))  # fmt: skip
"""Root fields: logs, configuration, resources, environment, schedules and sensors with their cursors, what can be launched."""

HIDDEN = frozenset((
    "codeReferences", "configuredValues", "defaultValueAsJson", "displayMetadata", "errorChain", "filePath", "lastCursor",
    "lastHeartbeatErrors", "message", "runConfigYaml", "serverId", "shouldShowNux", "stack",
))  # fmt: skip
"""Fields that pages ask for and that nobody may see: their values are emptied, under whatever alias they are asked for."""

FIELDS = frozenset((
    "__typename", "allDaemonStatuses", "allPools", "allTopLevelResourceDetails", "artifactsPersisted", "assetCheckExecutions",
    "assetCheckSelection", "assetCheckSelectionCount", "assetChecks", "assetChecksOrError", "assetEventHistory", "assetGroups",
    "assetKey", "assetKeys", "assetKeysUsing", "assetLineage", "assetMaterializations", "assetNodeDefinitionCollisions",
    "assetNodeOrError", "assetNodes", "assetObservations", "assetOrError", "assetRecordsOrError", "assetSelection",
    "assetSelectionCount", "assets", "assetsLatestInfo", "assetsOrError", "attempts", "autoMaterializePaused",
    "autoMaterializePolicy", "automationCondition", "backfillPolicy", "blocking", "boolValue", "canExecuteIndividually",
    "canTerminate", "category", "changedReasons", "checks", "className", "codeReferences", "columnDeps", "columnName",
    "columns", "computeKind", "configField", "configType", "configTypeKey", "constraints", "count", "creationTime",
    "cronSchedule", "cronScheduleTimezone", "currentMinutesLate", "cursor", "daemonHealth", "daemonStatus", "daemonType",
    "dagsterLibraryVersions", "deadlineCron", "decisionType", "defaultValueAsJson", "definition", "definitionsSource",
    "dependency", "dependencyKeys", "dependsOn", "description", "dimensionTypes", "disabledReason", "displayMetadata",
    "displayName", "dynamicPartitionsDefinitionName", "email", "enabled", "endKey", "endTime", "entries", "error",
    "errorChain", "evaluation", "evaluationId", "executionFailedPartitions", "executionForLatestMaterialization",
    "executionPlan", "executionTimezone", "expandedLabel", "externalJobSource", "failWindowSeconds", "failedPartitions",
    "featureFlags", "fields", "filePath", "floatValue", "freshnessInfo", "freshnessPolicy", "futureTicks", "givenName",
    "graphName", "groupName", "hasAssetChecks", "hasCancelPermission", "hasConcurrencyKeySlots", "hasDefinitionOrRecord",
    "hasDeletePermission", "hasInfo", "hasMaterializePermission", "hasMore", "hasReExecutePermission",
    "hasReportRunlessAssetEventPermission", "hasResumePermission", "hasRunMetricsEnabled", "hasStartPermission",
    "hasStopPermission", "hasTerminatePermission", "hasWipePermission", "healthy", "id", "inProgressPartitions",
    "inProgressRunIds", "innerTypes", "inputSchemaType", "inputs", "instance", "intRepr", "intValue",
    "internalFreshnessPolicy", "isAssetBackfill", "isAssetJob", "isAutoCreatedStub", "isBuiltin", "isExecutable",
    "isExplicitLink", "isJob", "isList", "isMaterializable", "isNothing", "isNullable", "isObservable", "isPartitioned",
    "isReloadSupported", "isRequired", "isSelector", "jobName", "jobNames", "jobsOpsUsing", "jsonString", "key",
    "keyLabelName", "kind", "kinds", "label", "lastAutoMaterializationEvaluationRecord", "lastCursor", "lastHeartbeatErrors",
    "lastHeartbeatTime", "latestRun", "lineNumber", "lineage", "loadStatus", "location", "locationEntries", "locationName",
    "locationOrLoadError", "locationStatusesOrError", "lowerBoundDeltaSeconds", "markers", "materializationFailureType",
    "maximumLagMinutes", "mdStr", "message", "metadataEntries", "mode", "module", "name", "nonScalarTypeKey", "nullable",
    "numFailed", "numMaterialized", "numMaterializing", "numPartitions", "opNames", "opTags", "opVersion", "other",
    "outputSchemaType", "owners", "parentPipelineSnapshotId", "parentResources", "parentRunId", "partition",
    "partitionBackfillsOrError", "partitionDefinition", "partitionKeys", "partitionKeysByDimension", "partitionNames",
    "partitionSet", "partitionSetName", "partitionSets", "partitionStats", "partitionStatuses", "partitions", "path",
    "permission", "permissions", "pipelineName", "pipelineRunOrError", "pipelineSnapshotId", "pipelines", "pool", "pools",
    "primaryDimEndKey", "primaryDimStartKey", "primaryDimensionName", "ranges", "reason", "records", "recursiveConfigTypes",
    "repositories", "repositoriesOrError", "repository", "repositoryLocationName", "repositoryName", "repositoryOrError",
    "repositoryOrigin", "required", "requiredResources", "resourceKey", "resourceType", "results", "rootRunId", "rules", "run",
    "runConfigYaml", "runGroupOrError", "runId", "runOrError", "runStatus", "runs", "runsFeedCountOrError", "runsFeedOrError",
    "runsOrError", "scalarTypeKey", "scheduleState", "schedules", "schedulesUsing", "schema", "secondaryDim", "selectorId",
    "sensorState", "sensorType", "sensors", "sensorsUsing", "serverId", "severity", "shouldShowNux", "skippedPartitions",
    "solidSelection", "stack", "staleCauses", "staleStatus", "startKey", "startTime", "status", "stepKey", "stepKeysToExecute",
    "stepStats", "steps", "storageAddress", "storageKind", "succeededPartitions", "table", "tableName", "tags",
    "targetMaterialization", "targetingInstigators", "targets", "team", "text", "timestamp", "timezone", "type",
    "typeParamKeys", "typeSpecificData", "unique", "unstartedRunIds", "updateTime", "updateTimestamp", "updatedTimestamp",
    "url", "useAutoMaterializeSensors", "value", "values", "version", "versionKey", "warnWindowSeconds",
    "workspaceLocationEntryOrError", "workspaceOrError",
))  # fmt: skip
"""Every field that a document may name, at any depth."""
