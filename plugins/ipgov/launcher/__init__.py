"""One machine, no services: the embedded PostgreSQL, Airflow's processes, accounts, and the demo nation."""
