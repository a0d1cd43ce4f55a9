"""How often is a rule wrong? Thousands of simulated releases, judged by the judge's own code and by simpler rules."""
