"""`argosy deploy` and `argosy undeploy`: an overlay on somebody's Kubernetes cluster, and off it again."""
