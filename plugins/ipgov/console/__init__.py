"""What people see: pages inside Airflow's UI."""
