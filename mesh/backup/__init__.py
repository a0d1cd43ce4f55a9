"""`argosy backup` and `argosy restore`: all that the pods of the local cluster have stored, in one file and back."""
