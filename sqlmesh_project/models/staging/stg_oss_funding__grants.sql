MODEL (
  name staging.stg_oss_funding__grants,
  kind VIEW,
  description 'Grants to open source projects, one row per grant of OSS Funding.',
  owner 'team:data',
  grain funding_id,
  audits (
    unique_values(columns := funding_id),
    not_null(columns := (funding_id, funder_name, funded_on, amount_usd))
  )
);

SELECT
  CAST(funding_id AS VARCHAR) AS funding_id, -- Id of the grant
  CAST(NULLIF(@trimmed(to_project_name), '') AS VARCHAR) AS project_name, -- Project that was funded; empty when OSS Funding knows none
  CAST(from_funder_name AS VARCHAR) AS funder_name, -- Who funded
  CAST(grant_pool_name AS VARCHAR) AS grant_pool_name, -- Round or pool of the grant
  CAST(funding_date AS DATE) AS funded_on, -- Day of the grant
  CAST(amount AS DOUBLE) AS amount_usd -- Amount in US dollars at the time of the grant
FROM oss_funding.funding_data
