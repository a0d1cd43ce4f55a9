"""What do the manifests come to, and would a cluster, a linter and a reviewer accept it?"""
