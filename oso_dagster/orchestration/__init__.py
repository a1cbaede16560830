"""The only package that imports dagster: it joins the rooms below into assets, checks, jobs, schedules and sensors."""
