"""Measurements of pysig: ``python -m bench --help`` lists the commands.

The modules, from the bottom up:

- ``cases``        the shapes that are timed, in groups, and their minimal cost
- ``operation``    the record of an operation, and the shapes of answers
- ``operations``   the operations that are timed, with a call for each library
- ``calls``        calls of more than one expression
- ``libraries``    the libraries: how each is imported, fed and limited to a number of threads
- ``probe``        the ceilings of this machine, measured by ``probe.cpp``
- ``worker``       the process in which one library runs
- ``worker_pool``  all workers of a run
- ``run``          one library with one operation: its rounds and ratios
- ``comparison``   one case: answers first, then interleaved rounds of all libraries
- ``stats``        statistics of the rounds
- ``results``      the stored form: one JSON file per machine
- ``report``, ``plot``, ``targets``   tables, figures and goals, made from stored results
- ``cpu``, ``gpu``  the two command lines

Files from ``cases`` to ``worker`` are also imported by the interpreters of other libraries, some of
them old: they keep to Python 3.9 and NumPy.
"""
