"""Files of paths and files of signatures, block by block: memory does not grow with the file.

A reader yields `Block`s that fit a `Budget`. A sink takes the signatures of each block in turn; its
file becomes the output only if everything succeeded. This package computes nothing and does not
import the rest of pysig.
"""
