"""The store: committed stacks are the truth, tables are made from them."""
