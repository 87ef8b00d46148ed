// As identities.cpp, for signature kernels.
#include "checks.hpp"

#include <cstdlib>

namespace {

template <class R>
void test_kernels() {
    const pysig::i64 channels = between(1, 4), m = between(1, 6), n = between(1, 6), a = between(1, 3),
                     b = between(1, 9);
    const std::vector<R> x = numbers<R>(a * m * channels, 0.4), y = numbers<R>(b * n * channels, 0.4),
                         along_x = numbers<R>(pysig::i64(x.size())), along_y = numbers<R>(pysig::i64(y.size()));
    pysig::signature_kernel_options<R> options;
    options.x_batch = a;
    options.y_batch = b;
    options.kappa = {static_cast<pysig::kappa_kind>(between(0, 6)), {2, 0.7, 0.4}};
    options.order = int(between(0, 5));
    options.depth = between(0, 1) ? 3 : 0;
    options.finite_difference = !options.order && !options.depth;
    options.workers = int(between(1, 3));
    std::vector<R> k = pysig::signature_kernel_matrix(x, y, channels, options), bar = numbers<R>(a * b);
    std::vector<R> filled(k.size());
    pysig::signature_kernel_matrix_into(x, y, channels, filled, options);
    check(filled == k, "signature_kernel_matrix_into");
    if (wrong) k[0] += R(0.001);
    auto turned = options;
    std::swap(turned.x_batch, turned.y_batch);
    const std::vector<R> back = pysig::signature_kernel_matrix(y, x, channels, turned);
    for (pysig::i64 i = 0; i < a; ++i)
        for (pysig::i64 j = 0; j < b; ++j) {
            const R left[] = {k[std::size_t(i * b + j)]}, right[] = {back[std::size_t(j * a + i)]};
            check(close<R>(left, right), "the kernel of (y, x)");
        }
    const std::vector<R> square = pysig::signature_kernel_matrix(x, {}, channels, options);
    for (pysig::i64 i = 0; i < a; ++i)
        for (pysig::i64 j = 0; j < a; ++j)
            check(square[std::size_t(i * a + j)] == square[std::size_t(j * a + i)], "a symmetric matrix");

    // Central differences along a direction, in double.
    const auto moved = [&](double step) {
        std::vector<double> p(x.begin(), x.end()), q(y.begin(), y.end());
        for (std::size_t i = 0; i < p.size(); ++i) p[i] += step * double(along_x[i]);
        for (std::size_t i = 0; i < q.size(); ++i) q[i] += step * double(along_y[i]);
        pysig::signature_kernel_options<double> wide;
        wide.x_batch = a;
        wide.y_batch = b;
        wide.kappa = options.kappa;
        wide.order = options.order;
        wide.depth = options.depth;
        wide.finite_difference = options.finite_difference;
        const std::vector<double> values = pysig::signature_kernel_matrix(p, q, channels, wide);
        const std::vector<double> weights(bar.begin(), bar.end());
        return dot<double>(weights, values);
    };
    const auto bars = pysig::signature_kernel_matrix_vjp(x, y, channels, bar, options);
    const double expected = (moved(1e-5) - moved(-1e-5)) / 2e-5,
                 actual = dot<R>(bars.x, along_x) + dot<R>(bars.y, along_y);
    check(std::abs(actual - expected) <= 1e-4 * (1 + std::abs(expected)), "the gradient of kernels");
    check(bars.parameters.size() == 3, "gradients of parameters");
}

void test_refusals() {
    const std::vector<double> path(12, 1.0), row(6, 1.0);
    const std::vector<pysig::i64> lengths{7}, two{1, 1};
    using kernel_options = pysig::signature_kernel_options<double>;
    const std::vector<double> negative{1, -1, 1}, none;
    const auto with_kernel = [&](const std::string& argument, const std::function<void(kernel_options&)>& change) {
        kernel_options o;
        change(o);
        refused(argument, [&] { pysig::signature_kernel_matrix(path, row, 2, o); });
    };
    with_kernel("x_batch", [](kernel_options& o) { o.x_batch = 0; });
    with_kernel("x", [](kernel_options& o) { o.x_batch = 5; });
    with_kernel("y", [](kernel_options& o) { o.y_batch = 2; });
    with_kernel("order", [](kernel_options& o) { o.order = 17; });
    with_kernel("depth", [](kernel_options& o) { o.depth = -1; });
    with_kernel("depth", [](kernel_options& o) { o.depth = 2, o.finite_difference = true; });
    with_kernel("order", [](kernel_options& o) { o.order = 2, o.finite_difference = true; });
    with_kernel("dyadic_order", [](kernel_options& o) { o.dyadic_order = 11; });
    with_kernel("workers", [](kernel_options& o) { o.workers = 0; });
    with_kernel("kappa.kind", [](kernel_options& o) { o.kappa.kind = static_cast<pysig::kappa_kind>(7); });
    with_kernel("kappa.parameters", [](kernel_options& o) { o.kappa = {pysig::kappa_kind::rbf, {0, 0, 0}}; });
    with_kernel("kappa.parameters", [](kernel_options& o) { o.kappa = {pysig::kappa_kind::polynomial, {1.5, 0, 1}}; });
    with_kernel("weights", [&](kernel_options& o) { o.weights = negative; });
    with_kernel("weights", [&](kernel_options& o) { o.depth = 2, o.weights = negative; });
    with_kernel("weights", [&](kernel_options& o) { o.depth = 3, o.weights = negative; });
    with_kernel("x_lengths", [&](kernel_options& o) { o.x_lengths = lengths; });
    with_kernel("y_lengths", [&](kernel_options& o) { o.y_lengths = two; });
    refused("channels", [&] { pysig::signature_kernel_matrix(path, row, 0); });
    refused("y_lengths", [&] {
        kernel_options o;
        o.y_lengths = two;
        pysig::signature_kernel_matrix(path, none, 2, o);
    });
    refused("cotangent", [&] { pysig::signature_kernel_matrix_vjp(path, row, 2, path); });
    check(pysig::signature_kernel_matrix(row, row, 6)[0] == 1, "the kernel of paths of one point");
}

// One segment each: K = sum of z^n / (n!)^2 for n <= P.
void test_one_segment() {
    const std::vector<double> x{0, 0, 1, 2}, y{1, 1, 1.5, 0.5};
    const double z = 1 * 0.5 + 2 * -0.5;
    double sum = 0, term = 1;
    for (int n = 0; n <= 6; ++n) {
        if (n) term *= z / (double(n) * n);
        sum += term;
        pysig::signature_kernel_options<double> options;
        options.order = n;
        if (!n) continue;
        check(std::abs(pysig::signature_kernel_matrix(x, y, 2, options)[0] - sum) < 1e-15, "one segment");
        options.order = 0;
        options.depth = n;
        check(std::abs(pysig::signature_kernel_matrix(x, y, 2, options)[0] - sum) < 1e-15, "levels of one segment");
    }
}

}  // namespace

int main(int count, char** argument) {
    const unsigned long long seed = count > 1 ? std::strtoull(argument[1], nullptr, 10) : std::random_device()();
    std::printf("seed %llu\n", seed);
    wrong = count > 2;
    random_bits.seed(seed);
    for (int round = 0; round < 25; ++round) {
        test_kernels<double>();
        test_kernels<float>();
    }
    test_one_segment();
    test_refusals();
    if (failures == 0) std::printf("ok\n");
    return failures ? 1 : 0;
}
