"""Random search over the fields of a recipe (SPEC P13): short runs on few pictures, ranked by their training loss."""
