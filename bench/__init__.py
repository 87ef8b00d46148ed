"""Measurements of pysig: ``python -m bench --help`` says what there is and how to run it.

The modules, from the bottom up:

- ``cases``        the shapes that are timed, in groups, and their floors (multiply-adds, bytes)
- ``operation``    what an operation is, and the shapes of answers
- ``operations``   what is timed: one entry per operation, with a call for each contestant
- ``calls``        those calls that are more than one expression
- ``contestants``  the libraries: how each is imported, fed and held to a number of threads
- ``probe``        the ceilings of this machine, measured by ``probe.cpp``
- ``worker``       the process in which one contestant runs
- ``race``         rounds interleaved between workers; answers are compared before a clock starts
- ``stats``        what is made of the rounds
- ``results``      the stored form: one JSON file per machine
- ``report``, ``plot``, ``targets``   tables, figures, and the goals, all made from stored results
- ``cpu``, ``gpu``  the two command lines

Files from ``cases`` to ``worker`` are also imported by the interpreters of other libraries, some of
them old: they keep to Python 3.9 and NumPy.
"""
