"""PostgreSQL: pools of threads, a loop's connections, prepared statements, rows, roles."""
