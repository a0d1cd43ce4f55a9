"""Who rolls back when the one who runs a canary has died?"""
