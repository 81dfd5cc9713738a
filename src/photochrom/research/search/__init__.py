"""Random search over a recipe's fields (the paper, section 4.2.8): short runs on few pictures, ranked by loss."""
