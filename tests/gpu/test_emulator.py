"""The CuPy emulator is as strict as a card, and stricter: each kind of fault, planted, stops the
kernel."""

import numpy as np
import pytest

RACE_FREE = r"""
extern "C" __global__ void reverse(const float* x, float* y, long long n) {
    extern __shared__ float staged[];
    const int t = threadIdx.x;
    staged[t] = x[blockIdx.x * n + t];
    __syncthreads();
    y[blockIdx.x * n + t] = staged[n - 1 - t];
}
"""
THREADS, BLOCKS = 96, 3


def launch(cp, code, name="f", shared=4 * THREADS, extra=()):
    """Runs a kernel (const float* x, float* y, long long n, ...) on a small grid; returns x and
    y."""
    x = cp.asarray(np.arange(BLOCKS * THREADS, dtype=np.float32))
    y = cp.empty(BLOCKS * THREADS, np.float32)
    kernel = cp.RawModule(code=code, options=("-std=c++17",)).get_function(name)
    kernel((BLOCKS,), (THREADS,), (x, y, THREADS, *extra), shared_mem=shared)
    return x.get(), y.get()


def body(text):
    return (
        'extern "C" __global__ void f(const float* x, float* y, long long n) {\n'
        "    extern __shared__ float staged[];\n"
        "    const int t = threadIdx.x;\n    const long long at = blockIdx.x * n + t;\n"
        f"    {text}\n}}\n"
    )


def test_a_block_reverses_through_shared_memory(cupy):
    x, y = launch(cupy, RACE_FREE, "reverse")
    np.testing.assert_array_equal(y.reshape(BLOCKS, THREADS), x.reshape(BLOCKS, THREADS)[:, ::-1])


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("uninitialised", "if (t != 3) staged[t] = 1; __syncthreads(); y[at] = staged[n - 1 - t];"),
        ("race", "staged[t] = x[at]; __syncthreads(); y[at] = staged[n - 1 - t]; staged[t] = 0;"),
        ("race", "staged[t] = x[at]; staged[t / 2] = 1; __syncthreads(); y[at] = staged[t];"),
        ("uninitialised|race", "staged[t] = x[at]; y[at] = staged[n - 1 - t];"),
        ("reached by 5 of 96", "y[at] = x[at]; if (t < 5) __syncthreads();"),
        ("at line", "if (t < 5) __syncthreads();\n else __syncthreads();\n y[at] = x[at];"),
        ("outside every array", "y[at] = x[at + 1];"),
        ("outside every array", "y[at] = x[at - 1];"),
        ("outside every array", "y[3 * n + t] = x[at];"),
        ("outside every array", "staged[t + 1] = x[at]; y[at] = x[at];"),
        ("never come", "y[at] = x[at]; if (t % 32 < 5) __syncwarp();"),
        ("never come", "float v = x[at]; if (t > 3) v = __shfl_xor_sync(~0u, v, 1); y[at] = v;"),
        ("not in the mask", "float v = 0; if (t % 32 < 4) v = __shfl_sync(0xf, v, 9); y[at] = v;"),
        ("race", "staged[t] = x[at]; __syncwarp(); y[at] = staged[(t + 32) % n];"),
        ("race", "staged[t] = x[at]; __syncwarp(255u << t % 32 / 8 * 8); y[at] = staged[t ^ 8];"),
        (
            "race",
            "staged[t] = x[at]; __syncwarp(3u << t % 32 / 2 * 2); y[at] = staged[t ^ 1];"
            "__syncwarp(255u << t % 32 / 8 * 8); staged[t] = 2; __syncwarp(3u << t % 32 / 2 * 2);"
            "y[at] = staged[t ^ 2];",
        ),
        ("never come", "if (t % 32 < 9) __syncwarp(3u << t % 32 / 2 * 2); y[at] = x[at];"),
    ],
)  # fmt: skip
def test_a_planted_fault_stops_the_kernel(emulator, fault, text):
    with pytest.raises(emulator.KernelFault, match=fault):
        launch(emulator, body(text))
    x, y = launch(emulator, RACE_FREE, "reverse")  # the device stays usable
    np.testing.assert_array_equal(y.reshape(BLOCKS, THREADS), x.reshape(BLOCKS, THREADS)[:, ::-1])


def test_static_shared_memory_is_watched(emulator):
    code = body(
        "__shared__ float fixed[4]; if (t < 3) fixed[t] = 1; __syncthreads(); y[at] = fixed[t % 4];"
    )
    with pytest.raises(emulator.KernelFault, match="uninitialised"):
        launch(emulator, code)
    _, y = launch(emulator, code.replace("t < 3", "t < 4"))
    assert (y == 1).all()


def test_warps_exchange_and_count(cupy):
    x, y = launch(
        cupy,
        body(
            "float v = x[at]; for (int k = 16; k; k /= 2) v += __shfl_xor_sync(0xffffffff, v, k);"
            "v += __shfl_down_sync(0xffffffff, v, 1, 2) - __shfl_up_sync(0xffffffff, v, 1, 2);"
            "staged[t] = v; __syncwarp();"
            "const float third = __shfl_sync(0xffffffff, float(t), 3, 8) - t / 8 * 8;"
            "y[at] = staged[t ^ 1] + third + __syncthreads_count(t < 7);"
        ),
    )
    np.testing.assert_array_equal(y, x.reshape(-1, 32).sum(1).repeat(32) + 3 + 7)


def test_groups_of_a_warp_exchange_at_their_own_pace(cupy):
    """Groups of 8 lanes shift a value to the right, each a different number of times."""
    text = """
        const int group = t % 32 / 8, lane = t % 8;
        const unsigned mask = 255u << group * 8;
        float v = x[at];
        for (int k = 0; k < group; ++k) {
            const float left = __shfl_up_sync(mask, v, 1, 8);
            if (lane) v = left;
            staged[t] = v;
            __syncwarp(mask);
            v += staged[t ^ 7] - staged[t ^ 7];
            __syncwarp(mask);
        }
        y[at] = v;"""
    x, y = launch(cupy, body(text))
    x, y = x.reshape(-1, 4, 8), y.reshape(-1, 4, 8)
    for group in range(4):
        np.testing.assert_array_equal(y[:, group, group:], x[:, group, : 8 - group])
        np.testing.assert_array_equal(y[:, group, :group], x[:, group, :1].repeat(group, axis=1))


def test_any_thread_can_say_that_there_is_more(cupy):
    text = "float v = 0; for (int k = 0; __syncthreads_or(k < t); ++k) v += 1; y[at] = v;"
    assert (launch(cupy, body(text))[1] == THREADS - 1).all()


@pytest.mark.parametrize("method", ["get", "item", "float"])
def test_arrays_do_not_become_numpy_arrays_unasked(cupy, method):
    array = cupy.asarray(np.ones(1))
    with pytest.raises(TypeError, match="Implicit conversion to a NumPy array is not allowed"):
        np.asarray(array)
    assert {"get": array.get, "item": array.item, "float": lambda: float(array[0])}[method]() == 1


def test_fresh_memory_is_not_zero(emulator):
    assert np.isnan(emulator.empty(100, np.float32).get()).all()
    assert np.isnan(emulator.empty(100).get()).all()


def test_arrays_are_views_with_strides(cupy):
    host = np.arange(24.0).reshape(2, 3, 4)
    array = cupy.asarray(host)
    for key in [1, slice(None, None, -1), (0, slice(1, None), 2), (Ellipsis, None, 1)]:
        view = array[key]
        np.testing.assert_array_equal(view.get(), host[key])
        assert view.strides == host[key].strides
        assert cupy.may_share_memory(view, array)
    assert array.T.strides == host.T.strides
    assert array[:, 1:].data.ptr == array.data.ptr + 32
    assert array.__cuda_array_interface__["shape"] == (2, 3, 4)
    array[0, 1:] = 7
    host[0, 1:] = 7
    np.testing.assert_array_equal(array.get(), host)
    np.testing.assert_array_equal(cupy.cumsum(array, axis=1).get(), host.cumsum(1))


def test_elementwise_broadcasts_types_and_raw_arrays(cupy):
    kernel = cupy.ElementwiseKernel(
        "T x, raw T table, int64 n", "T y", "y = x * table[i % n] + scale<T>()", "scaled",
        preamble="template <class T> __device__ T scale() { return T(SCALE); }",
        options=("-DSCALE=2",),
    )  # fmt: skip
    x = np.arange(12.0).reshape(3, 4)
    y = kernel(cupy.asarray(x), cupy.asarray(np.arange(4.0)), 4)
    np.testing.assert_array_equal(y.get(), x * np.arange(4) + 2)
    column = kernel(cupy.asarray(x[:, :1]), cupy.asarray(np.arange(4.0)), 4, cupy.empty((3, 4)))
    np.testing.assert_array_equal(column.get(), x[:, :1] * np.arange(4) + 2)
    with pytest.raises(TypeError, match="mismatch"):
        kernel(cupy.asarray(x), cupy.asarray(np.arange(4, dtype=np.float32)), 4)
    with pytest.raises(TypeError):
        kernel(x, cupy.asarray(np.arange(4.0)), 4)
    raw = cupy.ElementwiseKernel("raw T x", "raw T y", "y[i] = x[i]", "raw")
    with pytest.raises(ValueError, match="Loop size is undecided"):
        raw(cupy.ones(4), cupy.empty(4))


def test_reductions_over_leading_axes(cupy, rng):
    kernel = cupy.ReductionKernel(
        "int64 t, int64 w, raw T x, int64 n", "T y", "x[t * n + w]", "a + b", "y = a", "0", "add"
    )
    x = rng.standard_normal((5, 3))
    arguments = cupy.arange(5).reshape(-1, 1), cupy.arange(3).reshape(1, -1), cupy.asarray(x), 3
    np.testing.assert_allclose(kernel(*arguments, axis=0).get(), x.sum(0), rtol=1e-13)
    assert kernel(*arguments, axis=0, keepdims=True).shape == (1, 3)
    with pytest.raises(NotImplementedError):
        kernel(*arguments, axis=1)


def test_a_flat_index_beyond_the_array_stops_an_elementwise_kernel(emulator):
    kernel = emulator.ElementwiseKernel("raw T x", "T y", "y = x[i + 1]", "beyond")
    with pytest.raises(emulator.KernelFault, match="index 4 of an array of 4"):
        kernel(emulator.ones(4), emulator.empty(4))


@pytest.mark.parametrize("name", ["linalg", "random", "fft", "RawKernels", "fuse"])
def test_what_it_does_not_know_it_refuses(emulator, name):
    with pytest.raises(AttributeError, match="emulator does not know"):
        getattr(emulator, name)


def test_unknown_options_and_forms_are_refused(emulator):
    x = emulator.ones(3)
    with pytest.raises(NotImplementedError, match="--use_fast_math"):
        emulator.ElementwiseKernel("T x", "T y", "y = x", "k", options=("--use_fast_math",))(x)
    with pytest.raises(NotImplementedError, match="_ind"):
        emulator.ElementwiseKernel("T x", "T y", "y = _ind.size()", "k")
    with pytest.raises(emulator.cuda.compiler.CompileException, match=r"undeclared|not declared"):
        emulator.ElementwiseKernel("T x", "T y", "y = z", "k")(x)
    with pytest.raises(emulator.cuda.compiler.CompileException):
        emulator.ElementwiseKernel("T x", "T y", "x = y", "k")(x)  # inputs are const
    with pytest.raises(NotImplementedError):
        x[[0, 1]]


@pytest.mark.parametrize(
    "argument", [np.int32(3), 3.0, np.float32(3)], ids=["int32", "float", "float32"]
)
def test_arguments_of_the_wrong_size_or_kind_are_refused(emulator, argument):
    code = body("y[at] = x[at];").replace("long long n", "long long n, long long m")
    with pytest.raises(TypeError, match="argument 3 of f"):
        launch(emulator, code, extra=(argument,))


def test_a_null_pointer_is_the_integer_0(emulator):
    """CuPy passes None on as no argument at all, and the driver reads from address 0."""
    text = body("y[at] = z ? 1 : 2;").replace("long long n", "long long n, const float* z")
    assert (launch(emulator, text, extra=(0,))[1] == 2).all()
    with pytest.raises(TypeError, match="Unsupported"):
        launch(emulator, text, extra=(None,))


def test_limits_of_a_launch(emulator):
    with pytest.raises(RuntimeError, match="max_dynamic_shared_size_bytes"):
        launch(emulator, RACE_FREE, "reverse", shared=50_000)
    with pytest.raises(RuntimeError, match="NOT_FOUND"):
        launch(emulator, RACE_FREE.replace('extern "C"', ""), "reverse")


def test_memory_is_counted_and_limited(emulator):
    pool = emulator.get_default_memory_pool()
    used = pool.used_bytes()
    array = emulator.empty(1000, np.uint8)
    assert pool.used_bytes() == used + 1024
    pool.set_limit(used + 2048)
    try:
        with pytest.raises(emulator.cuda.memory.OutOfMemoryError):
            emulator.empty(2000, np.uint8)
    finally:
        pool.set_limit(0)
    del array
    assert pool.used_bytes() == used


def test_streams_and_graphs(cupy):
    kernel = cupy.ElementwiseKernel("T x", "T y", "y += x", "accumulate", no_return=True)
    x, y = cupy.ones(4), cupy.zeros(4)
    kernel(x, y)
    stream = cupy.cuda.Stream(non_blocking=True)
    cupy.cuda.Stream.null.synchronize()
    with stream:
        stream.begin_capture()
        kernel(x, y)
        graph = stream.end_capture()
        for _ in range(3):
            graph.launch()
        stream.synchronize()
    assert (y.get() == 4).all()


def test_waiting_while_a_stream_captures_is_an_error(emulator):
    stream = emulator.cuda.Stream(non_blocking=True)
    x = emulator.ones(2)
    with stream:
        stream.begin_capture()
        try:
            with pytest.raises(RuntimeError, match="capturing"):
                x.get()
        finally:
            stream.end_capture()


def test_compiled_kernels_are_kept_on_disk(emulator, tmp_path, monkeypatch):
    from cupy import _compile

    monkeypatch.setenv("PYSIG_EMULATOR_CACHE", str(tmp_path))
    before = _compile.compiled
    launch(emulator, RACE_FREE + "// once", "reverse")
    first = _compile.compiled - before
    _compile.library.cache_clear()
    launch(emulator, RACE_FREE + "// once", "reverse")
    assert first >= 2
    assert _compile.compiled - before == first


def test_arrays_of_integers_select_rows(emulator):
    array = emulator.asarray(np.arange(12.0).reshape(4, 3))
    rows = emulator.asarray(np.array([[3, 0], [3, 1]]))
    assert np.array_equal(array[rows].get(), array.get()[rows.get()])
    array[rows[0]] = array[rows[1]]
    assert array.get()[3, 0] == 9.0
    assert array.get()[0, 0] == 3.0
    with pytest.raises(IndexError, match=r"in bounds, not 0\.\.4"):
        array[emulator.asarray(np.array([0, 4]))]
    with pytest.raises(NotImplementedError, match="distinct rows"):
        array[rows[:, 0]] = 0.0
    with pytest.raises(NotImplementedError, match="integers, not float64"):
        array[array]
