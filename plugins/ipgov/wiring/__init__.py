"""Airflow's side of the house: timetables, the approval operator, and what a run means to the procedures."""
