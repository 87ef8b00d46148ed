// What the programs that check identities share: failures, random numbers, comparisons.
#pragma once

#include <pysig/pysig.hpp>

#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

int failures = 0;
bool wrong = false;

void check(bool condition, const std::string& what) {
    if (condition) return;
    std::printf("FAILED: %s\n", what.c_str());
    ++failures;
}

std::mt19937_64 random_bits;

pysig::i64 between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_bits); }

template <class R>
std::vector<R> numbers(pysig::i64 count, double scale = 1) {
    std::normal_distribution<double> normal(0, scale);
    std::vector<R> out(static_cast<std::size_t>(count));
    for (R& value : out) value = R(normal(random_bits));
    return out;
}

template <class R>
bool close(pysig::span<const R> a, pysig::span<const R> b, double factor = 1) {
    if (a.size() != b.size()) return false;
    double scale = 1, worst = 0;
    for (pysig::i64 i = 0; i < a.size(); ++i) {
        scale = std::max(scale, std::abs(double(a[i])));
        worst = std::max(worst, std::isnan(double(a[i] - b[i])) ? 1e300 : std::abs(double(a[i] - b[i])));
    }
    return worst <= factor * (sizeof(R) == 4 ? 2e-5 : 2e-13) * scale;
}

template <class R>
double dot(pysig::span<const R> a, pysig::span<const R> b) {
    double sum = 0;
    for (pysig::i64 i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
    return sum;
}

void refused(const std::string& argument, const std::function<void()>& call) {
    try {
        call();
        check(false, argument + " was not refused");
    } catch (const std::invalid_argument& error) {
        const std::string text = error.what();
        check(text.rfind("pysig: " + argument + ": expected ", 0) == 0 && text.find(", received ") != std::string::npos,
              text);
    }
}

}  // namespace
