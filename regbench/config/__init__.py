"""What a study may say: schema, YAML with line numbers, sweep to plan."""
