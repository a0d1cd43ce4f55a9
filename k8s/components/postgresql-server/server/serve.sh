# The server itself, as the container's first process; further options are passed on.
here=$(dirname "$0")
exec postgres -c config_file="$here/postgresql.conf" -c hba_file="$here/pg_hba.conf" -k "$PGHOST" "$@"
