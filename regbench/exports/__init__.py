"""Models taken away, and what they say of new rows."""
