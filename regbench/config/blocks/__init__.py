"""What each block of a study may say: a file a block, a class a kind."""
