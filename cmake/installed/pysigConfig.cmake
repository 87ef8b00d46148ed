# Where scikit-build-core looks (CMakeLists.txt says why): leads to the configuration inside the Python package.
include("${CMAKE_CURRENT_LIST_DIR}/../../pysig/lib/cmake/pysig/pysigConfig.cmake")
