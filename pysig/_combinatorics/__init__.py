"""Words and their combinatorics: exact, integers and tuples, no NumPy."""
