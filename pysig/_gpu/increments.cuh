// Increments of transformed paths, and the cotangents of points from those of increments. PYSIG_STAGES is the transform
// (transform.hpp; 0: none). The functions are the bodies of the ElementwiseKernels of increments.py.
#include <pysig/algebra/points.hpp>

namespace pysig_gpu {

using pysig::i64;
constexpr unsigned STAGES = PYSIG_STAGES;

// Element `channel` of step `step` of the transformed path; 0 after its last step. point(p, c) reads the path before
// the transform, of `steps` steps and `channels` channels. `tangent`: the path is a direction in which paths move.
template <class R, class P>
__device__ R increment(i64 steps, i64 channels, i64 step, i64 channel, const P& point, const R* times, R end,
                       bool tangent) {
    if (step >= pysig::transformed_steps(STAGES, steps)) return R(0);
    const pysig::element e = pysig::element_of(STAGES, steps, channels, step, channel);
    const pysig::clock_of<R> clock{times, end, pysig::steps_of_time(STAGES, steps)};
    const pysig::ends<R> between = pysig::ends_of(e, steps, point, clock, tangent);
    return between.ahead - between.behind;
}

// The cotangent of element `channel` of a point, from those of the increments of its path, x_bar(step, channel).
template <class R, class F>
__device__ R point_bar(i64 steps, i64 channels, i64 point, i64 channel, const F& x_bar) {
    if (point > steps) return R(0);
    return pysig::point_adjoint<R>(STAGES, steps, channels, point, channel, x_bar, [](i64) { return R(0); });
}

// Element `channel` of point `p` of the transformed path; after its end, of the last point.
template <class R, class P>
__device__ R point_value(i64 steps, i64 channels, i64 p, i64 channel, const P& point, const R* times, R end,
                         bool tangent) {
    const i64 last = pysig::transformed_steps(STAGES, steps);
    const pysig::point_element e = pysig::point_element_of(STAGES, steps, channels, p < last ? p : last, channel);
    const pysig::clock_of<R> clock{times, end, pysig::steps_of_time(STAGES, steps)};
    return pysig::value_of_point(e, point, clock, tangent);
}

// The cotangent of element `channel` of a point, from those of the points of its transformed path, bar(point, channel).
template <class R, class F>
__device__ R point_bar_of_points(i64 steps, i64 channels, i64 point, i64 channel, const F& bar) {
    if (point > steps) return R(0);
    return pysig::point_adjoint_of_points<R>(STAGES, steps, channels, point, channel, bar);
}

}  // namespace pysig_gpu
