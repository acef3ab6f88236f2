"""What people see: terminal tables, progress, Markdown."""
