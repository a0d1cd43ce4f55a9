# Makes the data when there is none, and a role with a database of its own for every file in $PASSWORDS, named like them.
# The server is reached by nobody else meanwhile. Run before every start: a changed password holds from then on.
set -eu
here=$(dirname "$0")

if [ ! -e "$PGDATA" ]; then
    rm -rf "$PGDATA.new" # of an attempt that was cut off
    initdb --pgdata="$PGDATA.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --auth=reject --data-checksums
    mv "$PGDATA.new" "$PGDATA"
fi

pg_ctl start --wait --timeout=300 \
    --options="-c config_file='$here/postgresql.conf' -c hba_file='$here/pg_hba.conf' -c listen_addresses='' -k '$PGHOST'"
for file in "$PASSWORDS"/*; do
    # What fails is not logged with the password in it.
    PGOPTIONS='-c log_min_error_statement=panic' psql --no-psqlrc --quiet --dbname=postgres --set=ON_ERROR_STOP=1 \
        --set=service="$(basename "$file")" --set=file="$file" --file="$here/database.sql"
done
pg_ctl stop --mode=fast
