"""A Chromium for tests, pictures and the tour: found or fetched without root, and driven."""
