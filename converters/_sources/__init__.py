"""One module a family of networks: the entries of every source that it is known from."""
