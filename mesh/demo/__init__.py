"""The guided tour: nine claims about shop and mesh, each shown on the running cluster."""
