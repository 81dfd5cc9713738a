"""Archives on many machines: folders, tars and Parquet at any URL, coloured by actors of Ray Data.

Needs the extra `cluster`. Nothing here is imported by what colours on one machine.
"""
