// The kernels of rows in lanes (kernels/lane_step.hpp, kernels/lane_product.hpp) against each other: steps at the end
// and at the front make the same signature; a product of two pieces is the whole; the adjoint of a step belongs to its
// derivative on dual numbers. An argument makes one coefficient wrong, to be noticed.
#include <pysig/cpu/kernels/lane_product.hpp>
#include <pysig/cpu/kernels/lane_step.hpp>

#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

namespace {

using namespace pysig;

int failures = 0;
bool wrong = false;
std::mt19937_64 random_bits(7);

template <class R>
using vectors = std::vector<lanes<R>>;

template <class R>
vectors<R> numbers(i64 count) {
    std::normal_distribution<double> normal(0, 0.4);
    vectors<R> out(static_cast<std::size_t>(count));
    for (lanes<R>& v : out)
        for (int l = 0; l < lane_count<R>; ++l) v[l] = R(normal(random_bits));
    return out;
}

template <class R>
void check_close(const char* what, double error, double scale, i64 d, int depth) {
    if (error <= (sizeof(R) == 4 ? 2e-5 : 2e-13) * scale) return;
    std::printf("FAILED: %s, %lld channels, depth %d: %g of %g\n", what, d, depth, error, scale);
    ++failures;
}

template <class R>
void check_rows(const char* what, const vectors<R>& a, const vectors<R>& b, i64 d, int depth) {
    double error = 0, scale = 1;
    for (std::size_t m = 0; m < a.size(); ++m)
        for (int l = 0; l < lane_count<R>; ++l) {
            const double difference = std::abs(double(a[m][l]) - double(b[m][l]));
            error = std::isnan(difference) ? 1e300 : std::max(error, difference);
            scale = std::max(scale, std::abs(double(b[m][l])));
        }
    check_close<R>(what, error, scale, d, depth);
}

template <class R>
vectors<R> unit(i64 size) {
    vectors<R> row(static_cast<std::size_t>(size));
    row[0] = broadcast(R(1));
    return row;
}

template <class R>
void check_pieces(i64 d, int depth) {
    using V = lanes<R>;
    constexpr int steps = 7, cut = 3;
    const i64 size = row_size(d, depth);
    const vectors<R> x = numbers<R>(steps * d);
    vectors<R> scratch(static_cast<std::size_t>(lane_step<R, V>::scratch_size(d, depth)));
    const lane_step<R, V> step(d, depth, scratch.data());
    vectors<R> whole = unit<R>(size), back = whole, front = whole, end = whole, product = whole;
    for (int t = 0; t < steps; ++t) {
        step.template advance_row<side::end>(x.data() + t * d, whole.data(), whole.data());
        step.template advance_row<side::front>(x.data() + (steps - 1 - t) * d, back.data(), back.data());
        if (t >= cut) step.template advance_row<side::end>(x.data() + t * d, end.data(), end.data());
    }
    for (int t = cut - 1; t >= 0; --t)
        step.template advance_row<side::front>(x.data() + t * d, front.data(), front.data());
    if (wrong) back[back.size() / 2] += broadcast(R(1e-3));
    check_rows<R>("steps at the front", back, whole, d, depth);
    lane_product<V> multiply(d, depth);
    multiply(front.data(), end.data(), product.data());
    check_rows<R>("a product of pieces", product, whole, d, depth);
}

// <bar, derivative of a step> = <adjoints, directions>, in every lane.
template <class R, side at>
void check_adjoint(i64 d, int depth) {
    using V = lanes<R>;
    using T = dual<V>;
    const i64 size = row_size(d, depth);
    const vectors<R> x = numbers<R>(d), moves = numbers<R>(d), row = numbers<R>(size), along = numbers<R>(size),
                     weights = numbers<R>(size);
    std::vector<T> scratch(static_cast<std::size_t>(lane_step<R, T>::scratch_size(d, depth))), both, steps;
    for (i64 m = 0; m < size; ++m) both.push_back({row[std::size_t(m)], along[std::size_t(m)]});
    for (i64 c = 0; c < d; ++c) steps.push_back({x[std::size_t(c)], moves[std::size_t(c)]});
    both[0] = {broadcast(R(1)), V{}};
    lane_step<R, T>(d, depth, scratch.data()).template advance_row<at>(steps.data(), both.data(), both.data());
    vectors<R> bar = weights, x_bar(static_cast<std::size_t>(d)), own = row;
    own[0] = broadcast(R(1));
    vectors<R> kernel(static_cast<std::size_t>(lane_step<R, V>::adjoint_scratch_size(d, depth)));
    lane_step<R, V>(d, depth, kernel.data()).template adjoint<at>(x.data(), own.data(), bar.data(), x_bar.data());
    if (wrong) x_bar[0] += broadcast(R(1e-3));
    for (int l = 0; l < lane_count<R>; ++l) {
        double left = 0, right = 0, terms = 1;
        const auto add = [&](double& sum, R a, R b) {
            sum += double(a) * double(b);
            terms += std::abs(double(a) * double(b));
        };
        for (std::size_t m = 1; m < own.size(); ++m) {
            add(left, weights[m][l], both[m].tangent[l]);
            add(right, bar[m][l], along[m][l]);
        }
        for (std::size_t c = 0; c < x.size(); ++c) add(right, x_bar[c][l], moves[c][l]);
        check_close<R>(at == side::end ? "the adjoint at the end" : "the adjoint at the front", std::abs(left - right),
                       terms, d, depth);
    }
}

// The same of a product, by the direction of both factors.
template <class R>
void check_product_adjoint(i64 d, int depth) {
    using V = lanes<R>;
    const i64 size = row_size(d, depth);
    vectors<R> rows[5];
    for (vectors<R>& row : rows) row = numbers<R>(size);
    auto& [a, b, a_moves, b_moves, weights] = rows;
    std::vector<dual<V>> left_row, right_row, product(std::size_t(size), dual<V>{});
    a[0] = b[0] = broadcast(R(1));
    a_moves[0] = b_moves[0] = weights[0] = V{};
    for (std::size_t m = 0; m < a.size(); ++m) {
        left_row.push_back({a[m], a_moves[m]});
        right_row.push_back({b[m], b_moves[m]});
    }
    lane_product<dual<V>>(d, depth)(left_row.data(), right_row.data(), product.data());
    vectors<R> a_bar = numbers<R>(size), b_bar(std::size_t(size), V{});
    lane_product<V>(d, depth).adjoint(a.data(), b.data(), weights.data(), a_bar.data(), b_bar.data());
    if (wrong) b_bar[1] += broadcast(R(1e-3));
    for (int l = 0; l < lane_count<R>; ++l) {
        double left = 0, right = 0, terms = 1;
        for (std::size_t m = 1; m < a.size(); ++m) {
            const double of_value = double(weights[m][l]) * double(product[m].tangent[l]);
            const double of_factors =
                double(a_bar[m][l]) * double(a_moves[m][l]) + double(b_bar[m][l]) * double(b_moves[m][l]);
            left += of_value;
            right += of_factors;
            terms += std::abs(of_value) + std::abs(of_factors);
        }
        check_close<R>("the adjoint of a product", std::abs(left - right), terms, d, depth);
    }
}

template <class R>
void check_all() {
    const i64 channels[] = {2, 2, 2, 3, 3, 4, 5, 8, 9, 17};
    const int depths[] = {1, 2, 7, 1, 4, 3, 4, 3, 2, 2};
    for (int k = 0; k < 10; ++k) {
        check_pieces<R>(channels[k], depths[k]);
        check_product_adjoint<R>(channels[k], depths[k]);
        check_adjoint<R, side::end>(channels[k], depths[k]);
        check_adjoint<R, side::front>(channels[k], depths[k]);
    }
}

}  // namespace

int main(int count, char**) {
    wrong = count > 1;
    check_all<float>();
    check_all<double>();
    std::printf("%d failures\n", failures);
    return failures > 0;
}
