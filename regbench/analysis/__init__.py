"""Gap table, paired statistics, claims."""
