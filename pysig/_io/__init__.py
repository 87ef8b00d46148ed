"""Files of paths and files of signatures, block by block: memory does not grow with the file.

A reader yields `Block`s that fit a `Budget`; a sink takes the signatures of each block in turn and
becomes the output file only when all went well. Nothing here computes, and nothing here imports
the rest of pysig.
"""
