-- The role :service, its password from :file, and a database of the same name that nobody else may open.
SELECT format('CREATE ROLE %I LOGIN', :'service')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'service') \gexec
\set password `cat :'file'`
ALTER ROLE :"service" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 LOCALE %L', :'service', :'service', 'C.UTF-8')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'service') \gexec
REVOKE ALL ON DATABASE :"service", postgres, template1 FROM PUBLIC;
