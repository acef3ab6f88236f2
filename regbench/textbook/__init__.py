"""What the textbooks say about regularizers, each sentence as a study that passes or fails."""
