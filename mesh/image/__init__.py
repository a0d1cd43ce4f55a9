"""How are the container images built, and what is in them?"""
