-- Run once by the image of compose.yaml, as the owner, in a new database: the role of the processes.
-- What it may do is granted by each migration; that no prompt is logged, docs/operations/database.md.
\getenv password POSTGRES_PICTOR_PASSWORD
CREATE ROLE pictor LOGIN PASSWORD :'password';
ALTER ROLE pictor SET log_statement = 'none';
ALTER ROLE pictor SET log_min_duration_statement = -1;
ALTER ROLE pictor SET log_min_error_statement = 'panic';
ALTER ROLE pictor SET log_parameter_max_length = 0;
ALTER ROLE pictor SET log_parameter_max_length_on_error = 0;
ALTER ROLE pictor SET log_error_verbosity = 'terse';
