"""The package that imports dagster: it joins the packages below it into assets, checks, jobs, schedules and sensors."""
