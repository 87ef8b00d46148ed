from Cython.Build import cythonize
from setuptools import Extension, setup

# Nothing to link and no header to include: pysig.embed is found when the module is imported.
setup(
    name="example", ext_modules=cythonize([Extension("example", ["example.pyx"])], language_level=3)
)
