"""Running it: backups, restores and their rehearsal, alerts, health, what is kept for how long."""
