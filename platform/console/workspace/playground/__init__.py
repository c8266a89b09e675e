"""The playground: a request by hand, its price and its runs."""
