"""What people decided: rounds, review marks, approvals."""
