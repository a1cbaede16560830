#!/bin/sh
# @octokit/graphql-schema 15.26.1: the published schema of GitHub's GraphQL API cannot be built by graphql-js 16.12.0.
#
# The type EnterpriseOwnerInfo holds two of its fields two times each, which the GraphQL specification forbids. A program that
# checks its queries against the newest published schema has to build it with the checks of the schema itself switched off.
# Expected: `buildSchema` of the package's own schema.graphql gives a schema.
#
# Output seen:
#   Field "EnterpriseOwnerInfo.repositoryDeployKeySetting" can only be defined once.
#   Field "EnterpriseOwnerInfo.repositoryDeployKeySettingOrganizations" can only be defined once.
#   with the checks: refused; without them: built
# Fails (exit 1) when the schema can be built with the checks.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >npm.log 2>&1
npm install --silent --no-audit --no-fund @octokit/graphql-schema@15.26.1 graphql@16.12.0 >npm.log 2>&1 || { cat npm.log >&2; exit 1; }
cat >check.js <<'JAVASCRIPT'
const fs = require("fs");
const { buildSchema, parse } = require("graphql");
const { validateSDL } = require("graphql/validation/validate");

const text = fs.readFileSync("node_modules/@octokit/graphql-schema/schema.graphql", "utf8");
const problems = validateSDL(parse(text)).map((error) => error.message);
const outcome = (options) => {
  try {
    return buildSchema(text, options) ? "built" : "empty";
  } catch {
    return "refused";
  }
};
const checked = outcome({});
const unchecked = outcome({ assumeValidSDL: true, assumeValid: true });
console.log(problems.join("\n"));
console.log(`with the checks: ${checked}; without them: ${unchecked}`);
process.exit(checked === "refused" && unchecked === "built" && problems.length === 2 ? 0 : 1);
JAVASCRIPT
node check.js
