"""Is the canary as good as the baseline? Pure: blocks of counts in, a verdict and its evidence out."""
