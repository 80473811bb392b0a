"""What they sent: forms, workbooks, values, submissions."""
