"""Of settings: what a study penalises, what will disappoint, strengths elsewhere."""
