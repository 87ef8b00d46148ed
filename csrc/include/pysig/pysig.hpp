// The public API for C++17 programs: signatures of plain arrays, header-only, no dependency. It checks its arguments
// and throws std::invalid_argument, whose message names the argument, the expectation and the value received.
//
//     #include <pysig/pysig.hpp>
//     std::vector<double> s = pysig::signature(points, channels, depth);
//
// Compile with the flags of the target machine (-O3 -march=native); they determine the width of the lanes. Use the same
// flags for all files of a program. Alternatively link the CMake target pysig::pysig, which contains the kernels for
// every instruction set.
#pragma once

#if __cplusplus < 201703L && !(defined(_MSVC_LANG) && _MSVC_LANG >= 201703L)
#error "pysig/pysig.hpp needs C++17: compile with -std=c++17 or later"
#endif

#include "algebra.hpp"
#include "detail/lyndon.hpp"
#include "incremental.hpp"
#include "logsignature.hpp"
#include "signature.hpp"
#include "signature_kernel.hpp"
#include "signature_vjp.hpp"
#include "sliding.hpp"
