from Cython.Build import cythonize
from setuptools import Extension, setup

# There is nothing to link or include: the functions are resolved when the module is imported.
setup(
    name="example", ext_modules=cythonize([Extension("example", ["example.pyx"])], language_level=3)
)
