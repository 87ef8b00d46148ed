// Every function of the C++ API, checked against the identities that define it, on random sizes and options; every
// check of arguments. The seed is the first argument, and is printed; a second argument makes one coefficient of a
// thousand wrong, to be noticed. Numbers against those of Python are in tests/embedding/test_embedding.py.
#include "checks.hpp"

#include <pysig/pysig.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

template <class R>
void check_dual(double left, double right, double terms, const std::string& what) {
    const double size = std::abs(left) + std::abs(right) + terms;
    check(std::abs(left - right) <= (sizeof(R) == 4 ? 2e-4 : 2e-12) * size, what);
}

template <class R>
struct sizes {
    pysig::i64 batch = between(1, 9), length = between(2, 40), channels = between(1, 6);
    int depth = int(between(1, channels > 3 ? 3 : 5));
    double step = 1 / std::sqrt(double(length));
    std::string name = std::to_string(batch) + " paths of " + std::to_string(length) + " points in " +
                       std::to_string(channels) + " channels, depth " + std::to_string(depth) +
                       (sizeof(R) == 4 ? ", float" : ", double");
    pysig::i64 size() const { return pysig::signature_size(channels, depth); }
    std::vector<R> path() const {
        std::vector<R> out = numbers<R>(batch * length * channels, step);
        for (std::size_t i = 0; i < out.size(); ++i)
            if (i / std::size_t(channels) % std::size_t(length)) out[i] += out[i - std::size_t(channels)];
        return out;
    }
    std::vector<R> part(const std::vector<R>& path, pysig::i64 b, pysig::i64 begin, pysig::i64 end) const {
        const auto at = [&](pysig::i64 t) { return path.begin() + (b * length + t) * channels; };
        return {at(begin), at(end)};
    }
};

template <class R>
void test_algebra() {
    const sizes<R> z;
    const std::vector<R> path = z.path();
    pysig::signature_options<R> options;
    options.batch = z.batch;
    options.workers = int(between(1, 3));
    std::vector<R> s = pysig::signature(path, z.channels, z.depth, options);
    if (wrong) s.back() += R(0.001);
    const pysig::i64 cut = between(1, int(z.length) - 1);
    std::vector<R> first, second;
    for (pysig::i64 b = 0; b < z.batch; ++b) {
        const std::vector<R> head = z.part(path, b, 0, cut + 1), tail = z.part(path, b, cut, z.length);
        first.insert(first.end(), head.begin(), head.end());
        second.insert(second.end(), tail.begin(), tail.end());
    }
    const std::vector<R> s1 = pysig::signature(first, z.channels, z.depth, options),
                         s2 = pysig::signature(second, z.channels, z.depth, options);
    check(close<R>(pysig::combine(s1, s2, z.channels, z.depth), s), "Chen's identity: " + z.name);

    pysig::signature_options<R> going_on = options;
    going_on.initial = s1;
    check(close<R>(pysig::signature(second, z.channels, z.depth, going_on), s), "initial: " + z.name);
    pysig::signature_options<R> backwards = options;
    backwards.inverse = true;
    const std::vector<R> inverse = pysig::signature(path, z.channels, z.depth, backwards), zero(s.size(), R(0));
    check(close<R>(pysig::combine(s, inverse, z.channels, z.depth), zero, 10), "the inverse: " + z.name);
    check(close<R>(pysig::invert(s, z.channels, z.depth), inverse, 10), "invert: " + z.name);
    const std::vector<R> logarithm = pysig::log(s, z.channels, z.depth);
    check(close<R>(pysig::exp(logarithm, z.channels, z.depth), s, 10), "exp of log: " + z.name);

    // <u sh v, S> = <u, S> <v, S> for words whose lengths add up to the depth at most.
    if (z.depth > 1) {
        std::vector<R> u(std::size_t(z.size())), v(u.size());
        for (pysig::i64 i = 0; i < z.channels; ++i)
            u[std::size_t(i)] = numbers<R>(1)[0], v[std::size_t(i)] = numbers<R>(1)[0];
        const std::vector<R> row(s.begin(), s.begin() + z.size()), product = pysig::shuffle(u, v, z.channels, z.depth);
        check_dual<R>(dot<R>(product, row), dot<R>(u, row) * dot<R>(v, row), 1, "shuffle: " + z.name);
        std::vector<R> halves = pysig::half_shuffle(u, v, z.channels, z.depth);
        const std::vector<R> other = pysig::half_shuffle(v, u, z.channels, z.depth);
        for (std::size_t i = 0; i < halves.size(); ++i) halves[i] += other[i];
        check(close<R>(halves, product), "half-shuffles: " + z.name);
    }
}

template <class R>
void test_derivatives() {
    const sizes<R> z;
    const std::vector<R> path = z.path(), start = numbers<R>(z.batch * z.channels),
                         before = numbers<R>(z.batch * z.size(), 0.3);
    const std::vector<R> along = z.path(), along_start = numbers<R>(z.batch * z.channels),
                         along_before = numbers<R>(z.batch * z.size(), 0.3);
    std::vector<pysig::i64> lengths;
    for (pysig::i64 b = 0; b < z.batch; ++b) lengths.push_back(between(1, int(z.length)));
    pysig::signature_options<R> options;
    options.batch = z.batch;
    options.stream = between(0, 1) == 1;
    options.inverse = between(0, 1) == 1;
    if (between(0, 1)) options.basepoint = start;
    if (between(0, 1)) options.initial = before;
    if (between(0, 1)) options.lengths = lengths;
    options.workers = int(between(1, 3));
    pysig::signature_tangents<R> tangents{along, {}, {}};
    if (!options.basepoint.empty()) tangents.basepoint = along_start;
    if (!options.initial.empty()) tangents.initial = along_before;
    const auto paired = [&](const pysig::signature_cotangents<R>& bars) {
        return dot<R>(along, bars.path) + dot<R>(bars.basepoint, along_start) + dot<R>(bars.initial, along_before);
    };

    const pysig::logsignature_basis basis(z.channels, z.depth, static_cast<pysig::basis>(between(0, 2)));
    const std::vector<R> moved_log = pysig::logsignature_jvp(path, basis, tangents, options),
                         g = numbers<R>(pysig::i64(moved_log.size()));
    check_dual<R>(dot<R>(moved_log, g), paired(pysig::logsignature_vjp(path, basis, g, options)), 1,
                  "logsignature: " + z.name);

    options.scalar_term = between(0, 1) == 1;
    const std::vector<R> moved = pysig::signature_jvp(path, z.channels, z.depth, tangents, options),
                         h = numbers<R>(pysig::i64(moved.size()));
    check_dual<R>(dot<R>(moved, h), paired(pysig::signature_vjp(path, z.channels, z.depth, h, options)), 1,
                  "signature: " + z.name);
}

template <class R>
void test_incremental() {
    const sizes<R> z;
    const std::vector<R> points = z.part(z.path(), 0, 0, z.length);
    pysig::incremental_signature<R> incremental(z.channels, z.depth);
    pysig::i64 t = 0;
    while (t < z.length) {
        const pysig::i64 count = between(0, int(z.length - t));
        incremental.push({points.data() + t * z.channels, count * z.channels});
        t += count;
    }
    check(incremental.points() == z.length, "points: " + z.name);
    const std::vector<R> s = pysig::signature(points, z.channels, z.depth);
    check(close<R>(s, incremental.signature()), "incremental: " + z.name);
    std::vector<R> filled(s.size());
    pysig::signature_into(points, z.channels, z.depth, filled);
    check(filled == s, "signature_into: " + z.name);
    const pysig::logsignature_basis basis(z.channels, z.depth, static_cast<pysig::basis>(between(0, 2)));
    const std::vector<R> l = pysig::logsignature(points, basis);
    check(close<R>(l, incremental.logsignature(basis), 10), "logsignature of an incremental signature: " + z.name);
    check(l == pysig::logsignature(points, z.channels, z.depth, basis.kind()),
          "logsignature with tables of its own: " + z.name);
    check(close<R>(l, pysig::signature_to_logsignature(s, basis), 10), "signature_to_logsignature: " + z.name);

    pysig::incremental_signature<R> copy = incremental,
                                    back = pysig::incremental_signature<R>::deserialise(incremental.serialise());
    const std::vector<R> more = numbers<R>(3 * z.channels);
    incremental.push(more);
    check(!close<R>(incremental.signature(), copy.signature()), "a copy stays where it is: " + z.name);
    copy.push(more);
    back.push(more);
    check(close<R>(incremental.signature(), copy.signature(), 0) &&
              close<R>(incremental.signature(), back.signature(), 0),
          "copies: " + z.name);
    incremental.reset();
    check(incremental.points() == 0 && incremental.signature()[0] == 0, "reset: " + z.name);

    std::vector<R> steps(points.begin() + z.channels, points.end());
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i] -= points[i];
    incremental.push({points.data(), z.channels});
    incremental.push_increments(steps);
    incremental.push({points.data() + (z.length - 1) * z.channels, z.channels});  // where it is already
    check(close<R>(s, incremental.signature()), "increments: " + z.name);
}

template <class R>
void test_sliding() {
    const sizes<R> z;
    const std::vector<R> points = z.part(z.path(), 0, 0, z.length);
    const bool worst_case = between(0, 1) == 1;
    pysig::sliding_signature<R> window(z.channels, z.depth, worst_case, between(0, int(z.length)));
    const std::string name = z.name + (worst_case ? ", worst case" : ", amortised");
    pysig::i64 first = 0, end = 0;
    while (end < z.length) {
        const pysig::i64 count = between(0, int(z.length - end));
        std::vector<std::int64_t> times;
        for (pysig::i64 t = end; t < end + count; ++t) times.push_back(t / 2);  // ties
        window.push({points.data() + end * z.channels, count * z.channels}, times);
        end += count;
        const pysig::i64 dropped = between(0, int(end - first));
        window.pop(dropped);
        first += dropped;
        if (between(0, 1)) {
            const pysig::i64 before = between(0, int(end));
            const bool inclusive = between(0, 1) == 1;
            pysig::i64 old = 0;
            for (pysig::i64 t = first; t < end; ++t) old += t / 2 < before || (inclusive && t / 2 == before);
            check(window.evict(before, inclusive) == old, "evict: " + name);
            first += old;
        }
        check(window.points() == end - first, "points: " + name);
        std::vector<R> s(std::size_t(z.size()));
        if (end > first) s = pysig::signature(z.part(points, 0, first, end), z.channels, z.depth);
        if (wrong) s.back() += R(0.001);
        check(close<R>(s, window.signature()), "sliding: " + name);
    }
    const pysig::logsignature_basis basis(z.channels, z.depth, static_cast<pysig::basis>(between(0, 2)));
    check(window.logsignature(basis) == pysig::signature_to_logsignature(window.signature(), basis),
          "logsignature of a sliding signature: " + name);

    pysig::sliding_signature<R> copy = window, back = pysig::sliding_signature<R>::deserialise(window.serialise());
    window.reset();
    check(window.points() == 0 && window.signature()[0] == 0, "reset: " + name);
    const std::vector<R> more = numbers<R>(9 * z.channels);
    const std::vector<std::int64_t> later(9, z.length);
    for (pysig::sliding_signature<R>* other : {&copy, &back}) {
        other->push(more, later);
        other->pop(other->points() / 2);
    }
    check(copy.signature() == back.signature(), "copies: " + name);
    window.push(more, std::vector<double>(9, 0.5));
    check(window.evict(1, false, true) == 8 && window.points() == 1, "include_previous: " + name);
}

void test_refusals() {
    const std::vector<double> path(12, 1.0), row(6, 1.0), nothing;
    using options = pysig::signature_options<double>;
    const auto with = [&](const std::string& argument, const std::function<void(options&)>& change) {
        options o;
        change(o);
        refused(argument, [&] { pysig::signature(path, 2, 2, o); });
    };
    refused("channels", [&] { pysig::signature(path, 0, 2); });
    refused("depth", [&] { pysig::signature(path, 2, 0); });
    refused("depth", [&] { pysig::signature(path, 2, 60); });
    refused("path", [&] { pysig::signature(path, 5, 2); });
    refused("path", [&] { pysig::signature(nothing, 2, 2); });
    refused("path", [&] { pysig::signature(pysig::span<const double>(nullptr, 4), 2, 2); });
    refused("out", [&] {
        std::vector<double> out(7);
        pysig::signature_into(path, 2, 2, out);
    });
    with("batch", [](options& o) { o.batch = -1; });
    with("batch", [](options& o) { o.batch = pysig::i64(1) << 62; });
    with("path", [](options& o) { o.batch = 4; });
    with("workers", [](options& o) { o.workers = 0; });
    with("method", [](options& o) { o.method = static_cast<pysig::method>(3); });
    with("basepoint", [&](options& o) { o.basepoint = path; });
    with("initial", [&](options& o) { o.initial = path; });
    const std::vector<pysig::i64> lengths{7}, two{1, 1};
    with("lengths", [&](options& o) { o.lengths = lengths; });
    with("lengths", [&](options& o) { o.lengths = two; });
    refused("cotangent", [&] { pysig::signature_vjp(path, 2, 2, path); });
    refused("tangent", [&] { pysig::signature_jvp(path, 2, 2, {row, {}, {}}); });
    refused("basepoint_tangent", [&] { pysig::signature_jvp(path, 2, 2, {path, row, {}}); });
    refused("initial_tangent", [&] { pysig::signature_jvp(path, 2, 2, {path, {}, row}); });
    refused("a", [&] { pysig::combine(std::vector<double>(5), row, 2, 2); });
    refused("b", [&] { pysig::combine(std::vector<double>(12), std::vector<double>(18), 2, 2); });
    const int deepest = pysig::max_shuffle_depth;
    const std::vector<double> ones(std::size_t(deepest), 1.0), too_deep(std::size_t(deepest + 1), 1.0);
    check(pysig::shuffle(ones, ones, 1, deepest).back() == std::ldexp(1.0, deepest) - 2, "the deepest shuffle");
    refused("depth", [&] { pysig::shuffle(too_deep, too_deep, 1, deepest + 1); });
    refused("basis", [] { pysig::logsignature_basis(2, 2, static_cast<pysig::basis>(7)); });
    refused("scalar_term", [&] {
        options o;
        o.scalar_term = true;
        pysig::logsignature(path, 2, 2, pysig::basis::words, o);
    });
    for (const bool worst_case : {false, true}) {
        pysig::sliding_signature<double> window(2, 2, worst_case, 5);
        const std::vector<double> rows(6, 1.0), nan = {0, std::nan(""), 1}, falling = {1, 2, 1}, rising = {1, 2, 3};
        refused("points", [&] { window.push(std::vector<double>(3)); });
        refused("times", [&] { window.push(rows, std::vector<double>(2)); });
        refused("times", [&] { window.push(rows, nan); });
        refused("times", [&] { window.push(rows, falling); });
        window.push(rows, rising);
        refused("times", [&] { window.push(rows); });
        refused("times", [&] { window.push(rows, std::vector<std::int64_t>(3, 9)); });
        refused("times", [&] { window.push(rows, rising); });
        refused("before", [&] { window.evict(std::nan("")); });
        refused("count", [&] { window.pop(4); });
        refused("count", [&] { window.pop(-1); });
        refused("capacity", [&] { window.reserve(-1); });
        refused("basis", [&] { window.logsignature(pysig::logsignature_basis(3, 2, pysig::basis::words)); });
        refused("basis", [&] { window.logsignature(pysig::logsignature_basis(2, 3, pysig::basis::words)); });
        const std::vector<unsigned char> bytes = window.serialise();
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            std::vector<unsigned char> other = bytes;
            other[i] = static_cast<unsigned char>(other[i] ^ 0x55);
            refused("bytes", [&] { pysig::sliding_signature<double>::deserialise(other); });
            other.resize(i);
            refused("bytes", [&] { pysig::sliding_signature<double>::deserialise(other); });
        }
        refused("bytes", [&] { pysig::sliding_signature<float>::deserialise(bytes); });
        check(window.points() == 3 && window.capacity() == 5, "what is refused changes nothing");
    }
    pysig::incremental_signature<double> incremental(2, 2);
    refused("points", [&] { incremental.push(std::vector<double>(3)); });
    refused("increments", [&] { incremental.push_increments(std::vector<double>(1)); });
    refused("basis", [&] { incremental.logsignature(pysig::logsignature_basis(3, 2, pysig::basis::words)); });
    refused("basis", [&] { incremental.logsignature(pysig::logsignature_basis(2, 3, pysig::basis::words)); });
    std::vector<unsigned char> bytes = incremental.serialise();
    for (std::size_t i = 0; i < 40; ++i) {  // the header: no byte of it may be anything
        std::vector<unsigned char> other = bytes;
        other[i] = static_cast<unsigned char>(other[i] ^ 0x55);
        try {
            pysig::incremental_signature<double>::deserialise(other);
            check(i >= 32,
                  "byte " + std::to_string(i) + " of a serialised object was not looked at");  // the number of points
        } catch (const std::invalid_argument&) {
        }
    }
    bytes.pop_back();
    refused("bytes", [&] { pysig::incremental_signature<double>::deserialise(bytes); });
    refused("bytes", [&] { pysig::incremental_signature<float>::deserialise(incremental.serialise()); });
    check(pysig::signature(nothing, 2, 2,
                           [] {
                               options o;
                               o.batch = 0;
                               return o;
                           }())
              .empty(),
          "no paths need no work");
}

}  // namespace

int main(int count, char** argument) {
    const unsigned long long seed = count > 1 ? std::strtoull(argument[1], nullptr, 10) : std::random_device()();
    std::printf("seed %llu\n", seed);
    wrong = count > 2;
    random_bits.seed(seed);
    for (int round = 0; round < 25; ++round) {
        test_algebra<double>();
        test_algebra<float>();
        test_derivatives<double>();
        test_derivatives<float>();
        test_incremental<double>();
        test_incremental<float>();
        test_sliding<double>();
        test_sliding<float>();
    }
    test_refusals();
    if (failures == 0) std::printf("ok\n");
    return failures ? 1 : 0;
}
