"""The guided tour: eight claims about the mesh, each shown on the running cluster."""
