"""GitHub by repository: feeds, issues, pull requests, commits, releases and stars of named repositories under one token."""
