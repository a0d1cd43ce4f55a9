"""Who undoes an experiment when its runner has died?"""
