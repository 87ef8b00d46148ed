"""Signature kernels in `pysig.interop.torch`: values, derivatives, torch.compile, errors."""

from __future__ import annotations

import numpy as np
import pytest

import pysig
from kernel_options import OPTIONS, PARAMETERS, one_set, pairs_of, paths, split

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed (pip install pysig-signatures[torch])"
)

from pysig.interop._kernel_operator import KernelOperator  # noqa: E402
from pysig.interop.torch import mmd, signature_kernel, signature_kernel_matrix  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")


def tensor(array, **options):
    return torch.tensor(np.asarray(array), requires_grad=True, **options)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_those_of_numpy(options, dtype):
    x, y = (tensor(a).detach().to(dtype) for a in (paths(3, 4), paths(2, 5)))
    for second, given in ((y, options), (None, one_set(options))):
        depth, given = split(given)
        value = signature_kernel_matrix(x, second, depth, **given)
        assert value.dtype == dtype
        right = pysig.signature_kernel_matrix(
            x.numpy(), None if second is None else y.numpy(), depth, **given
        )
        np.testing.assert_array_equal(value.numpy(), right)
    depth, given = split(pairs_of(options))
    other = torch.cat([y, y[:1]])
    value = signature_kernel(x, other, depth, **given)
    right = pysig.signature_kernel(x.numpy(), other.numpy(), depth, **given)
    np.testing.assert_array_equal(value.numpy(), right)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_gradcheck(options):
    x, y = tensor(paths(3, 4)), tensor(paths(2, 5))
    depth, given = split(options)
    torch.autograd.gradcheck(
        lambda a, b: signature_kernel_matrix(a, b, depth, **given), [x, y], check_forward_ad=True
    )
    depth, alone = split(one_set(options))
    torch.autograd.gradcheck(
        lambda a: signature_kernel_matrix(a, None, depth, **alone), [x], check_forward_ad=True
    )
    depth, given = split(pairs_of(options))
    torch.autograd.gradcheck(
        lambda a, b: signature_kernel(a, b, depth, **given),
        [x, tensor(paths(3, 5))],
        check_forward_ad=True,
    )


@pytest.mark.parametrize(("static", "parameters"), PARAMETERS, ids=str)
@pytest.mark.parametrize("paired", [True, False])
def test_parameters_receive_derivatives(static, parameters, paired):
    x, y = tensor(paths(2, 4)), tensor(paths(2, 3))
    function = signature_kernel if paired else signature_kernel_matrix
    names = list(parameters)

    def kernels(a, b, *values):
        given = dict(zip(names, values, strict=True))
        return function(a, b, order=2, static_kernel=static, parameters=given)

    values = [tensor(v) for v in parameters.values()]
    right = type(static)(**{**static.get_params(), **parameters})
    name = "signature_kernel" if paired else "signature_kernel_matrix"
    arrays = x.detach().numpy(), y.detach().numpy()
    expected = getattr(pysig, name)(*arrays, order=2, static_kernel=right)
    np.testing.assert_array_equal(kernels(x, y, *values).detach().numpy(), expected)
    assert torch.autograd.gradcheck(kernels, [x, y, *values], check_forward_ad=True)


def test_basepoints_receive_derivatives():
    x, y = tensor(paths(2, 4)), tensor(paths(3, 3))
    one, many = tensor([0.5, -1.0]), tensor(paths(1, 3)[0])
    static = pysig.kernels.RBF()

    def matrix(a, b, p, q):
        return signature_kernel_matrix(a, b, order=2, basepoint=(p, q), static_kernel=static)

    assert torch.autograd.gradcheck(matrix, [x, y, one, many], check_forward_ad=True)

    def shared(a, b, p):
        return signature_kernel_matrix(a, b, order=2, basepoint=p, static_kernel=static)

    assert torch.autograd.gradcheck(shared, [x, y, one], check_forward_ad=True)
    for p, q in ((one, None), (one, True), (False, one), (True, None)):
        value = matrix(x, y, p, q)
        there = tuple(b.detach().numpy() if torch.is_tensor(b) else b for b in (p, q))
        right = pysig.signature_kernel_matrix(
            x.detach().numpy(), y.detach().numpy(), order=2, basepoint=there, static_kernel=static
        )
        np.testing.assert_allclose(value.detach().numpy(), right, rtol=1e-14)

    def alone(a, p):
        return signature_kernel_matrix(a, order=2, basepoint=p, static_kernel=static)

    assert torch.autograd.gradcheck(alone, [y, many], check_forward_ad=True)


def test_batches_of_pairs_broadcast():
    x, y = tensor(paths(6, 4).reshape(3, 2, 4, 2)), tensor(paths(2, 5))
    value = signature_kernel(x, y[1], order=2)
    assert value.shape == (3, 2)
    value = signature_kernel(x[:, :1], y, order=2, lengths=(None, [5, 2]))
    right = pysig.signature_kernel(
        x.detach().numpy()[:, :1], y.detach().numpy(), order=2, lengths=(None, [5, 2])
    )
    np.testing.assert_array_equal(value.detach().numpy(), right)
    assert torch.autograd.gradcheck(
        lambda a, b: signature_kernel(a, b, order=2), [x[:, :1], y], check_forward_ad=True
    )


def test_gradients_are_those_of_numpy():
    x, y = tensor(paths(3, 4)), tensor(paths(2, 5))
    cotangent = np.random.default_rng(0).normal(size=(3, 2))
    value = signature_kernel_matrix(x, y, order=3)
    value.backward(torch.tensor(cotangent))
    right = pysig.signature_kernel_matrix_vjp(
        x.detach().numpy(), y.detach().numpy(), cotangent, order=3
    )
    np.testing.assert_array_equal(x.grad.numpy(), right.x)
    np.testing.assert_array_equal(y.grad.numpy(), right.y)


def test_the_second_derivative_is_refused():
    x = tensor(paths(3, 4))
    for kernels in (
        lambda a: signature_kernel_matrix(a, order=2),
        lambda a: signature_kernel(a, a.detach(), order=2),
    ):
        first = torch.autograd.grad(kernels(x).sum(), x, create_graph=True)[0]
        with pytest.raises(NotImplementedError, match=r"of order 1, .*no second derivatives"):
            first.sum().backward()
        with pytest.raises(NotImplementedError, match=r"of order 1, .*order 2"):
            torch.func.hessian(lambda a, f=kernels: f(a).sum())(x.detach())
    # The gradient is linear in its cotangent, so that derivative exists.
    tangent = torch.ones_like(x)

    def along(cotangent):
        _, pull = torch.func.vjp(lambda a: signature_kernel_matrix(a, order=2), x.detach())
        return (pull(cotangent)[0] * tangent).sum()

    second = torch.func.grad(along)(torch.ones((3, 3), dtype=torch.float64))
    right = pysig.signature_kernel_matrix_jvp(x.detach().numpy(), None, tangent.numpy(), order=2)
    np.testing.assert_allclose(second.numpy(), right, rtol=1e-12)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)
@pytest.mark.parametrize("dynamic", [False, True])
def test_torch_compile_traces_without_breaks(dynamic):
    static = pysig.kernels.RBF(1.2)

    def loss(a, b, bandwidth):
        gram = signature_kernel_matrix(
            2 * a, b, order=2, static_kernel=static, parameters={"bandwidth": bandwidth}
        )
        paired = signature_kernel(a, a[:1], 3, normalize=True, levels=True, basepoint=True)
        return gram.sum() + paired.sum() + mmd(a, b, order=2)

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for length in (4, 6):
        x, y, bandwidth = tensor(paths(3, length)), tensor(paths(2, 5)), tensor(0.9)
        expected = torch.autograd.grad(loss(x, y, bandwidth), [x, y, bandwidth])
        value = compiled(x, y, bandwidth)
        torch.testing.assert_close(value, loss(x, y, bandwidth))
        found = torch.autograd.grad(value, [x, y, bandwidth])
        for one, right in zip(found, expected, strict=True):
            torch.testing.assert_close(one, right)


def test_opcheck_of_the_family():
    x, y, bandwidth = (torch.tensor(a) for a in (paths(3, 4), paths(2, 5), 1.1))
    options = (("order", 2), ("static_kernel", ("pysig.kernels", "RBF", (("bandwidth", 1.0),))))
    lengths = torch.tensor([4, 1, 3])
    given = ("x", "y", "parameter bandwidth", "lengths_x")
    operator = KernelOperator("signature_kernel_matrix", None, options, given)
    operands = [x, y, bandwidth, lengths]
    (cotangent,) = torch.ops.pysig.apply(operands, operator.text)
    for tangents, backward in ((0, False), (1, False), (0, True)):
        one = operator._replace(tangents=tangents, backward=backward)
        full = [*operands, *[cotangent] * backward, *[x, y, bandwidth] * tangents]
        torch.library.opcheck(torch.ops.pysig.apply.default, (full, one.text))


@pytest.mark.parametrize("dim", [0, 1])
def test_vmap(dim):
    x, y = (torch.tensor(paths(8, n).reshape(4, 2, n, 2)) for n in (4, 5))
    moved = x.movedim(0, dim)
    bandwidths = torch.tensor([0.5, 1.0, 1.5, 2.0], dtype=torch.float64)

    def matrix(a, b, bandwidth):
        return signature_kernel_matrix(
            a, b, order=2, static_kernel=pysig.kernels.RBF(), parameters={"bandwidth": bandwidth}
        )

    found = torch.func.vmap(matrix, (dim, 0, 0))(moved, y, bandwidths)
    expected = torch.stack([matrix(a, b, w) for a, b, w in zip(x, y, bandwidths, strict=True)])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
    found = torch.func.vmap(lambda a: signature_kernel(a, y[0, 0], order=2), dim)(moved)
    torch.testing.assert_close(found, signature_kernel(x, y[0, 0], order=2), rtol=1e-12, atol=1e-14)

    def paired(a, bandwidth):
        return signature_kernel(
            a,
            y[0],
            order=2,
            static_kernel=pysig.kernels.RBF(),
            parameters={"bandwidth": bandwidth},
        ).sum()

    gradient = torch.func.grad(paired, argnums=(0, 1))
    found = torch.func.vmap(gradient)(x, bandwidths)
    for k in range(4):
        for one, right in zip(found, gradient(x[k], bandwidths[k]), strict=True):
            torch.testing.assert_close(one[k], right, rtol=1e-12, atol=1e-14)


def test_modes_of_functorch_agree():
    x, y = torch.tensor(paths(3, 4)), torch.tensor(paths(2, 5))

    def matrix(a):
        return signature_kernel_matrix(a, y, 3)

    forward, reverse = torch.func.jacfwd(matrix)(x), torch.func.jacrev(matrix)(x)
    torch.testing.assert_close(forward, reverse, rtol=1e-11, atol=1e-12)


def test_mmd_is_that_of_numpy():
    x, y = tensor(paths(4, 5)), tensor(paths(3, 6) * 1.5)
    for unbiased in (True, False):
        for given in ({"depth": 3}, {"order": 2, "lengths": ([5, 2, 3, 1], None)}):
            depth, options = split(given)
            value = mmd(x, y, depth, unbiased=unbiased, **options)
            right = pysig.mmd(
                x.detach().numpy(), y.detach().numpy(), depth, unbiased=unbiased, **options
            )
            np.testing.assert_allclose(value.detach().numpy(), right, rtol=1e-12)
            assert torch.autograd.gradcheck(
                lambda a, b, d=depth, u=unbiased, o=options: mmd(a, b, d, unbiased=u, **o), [x, y]
            )


def test_errors_are_those_of_pysig():
    x, y = torch.zeros(3, 4, 2), torch.zeros(2, 4, 2)
    matrix = signature_kernel_matrix
    for call, error, message in [
        (lambda: matrix(x.numpy(), y), TypeError, r"x: expected a torch\.Tensor, received ndarray"),
        (lambda: matrix(x, y.numpy()), TypeError, r"y: expected a torch\.Tensor, received"),
        (lambda: signature_kernel(x, None), TypeError, "y: expected an array of paths"),
        (lambda: matrix(x[0]), ValueError, r"x: expected shape \(paths, length, channels\)"),
        (lambda: matrix(x, y[0]), ValueError, r"y: expected shape \(paths, length, channels\)"),
        (lambda: matrix(x, y[..., :1]), ValueError, "y: expected 2 channels like x"),
        (lambda: matrix(x, y[:, :0]), ValueError, "y: expected at least one point"),
        (lambda: signature_kernel(x, y), ValueError, "y: expected batch axes that broadcast"),
        (lambda: matrix(x.half()), TypeError, "x: .*received float16"),
        (lambda: matrix(x.long()), TypeError, "x: .*received int64"),
        (lambda: matrix(x, y.double()), TypeError, "y: expected dtype float32 like x"),
        (lambda: matrix(x, depth=0), ValueError, "depth: expected an integer of at least 1"),
        (lambda: matrix(x, order=17), ValueError, "order: expected an integer from 1 to 16"),
        (lambda: matrix(x, levels=True), ValueError, "levels"),
        (lambda: matrix(x, orders=1), TypeError, "unexpected keyword argument 'orders'"),
        (lambda: matrix(x, method="best"), ValueError, "method: expected one of"),
        (lambda: matrix(x, grid=True), TypeError, "grid: expected False, because grids"),
        (lambda: matrix(x, out=x), TypeError, "out: expected None, because"),
        (lambda: matrix(x, y, lengths=[1, 2]), TypeError, r"lengths: expected a tuple \(lengths"),
        (lambda: matrix(x, y, lengths=(9, None)), ValueError, "lengths.*: expected integers from"),
        (lambda: matrix(x, lengths=[1, 2]), ValueError, "lengths: expected a shape that broad"),
        (lambda: matrix(x, basepoint=torch.zeros(3)), ValueError, "basepoint: expected a shape"),
        (lambda: matrix(x, static_kernel=3), TypeError, "static_kernel: expected a kernel of pys"),
        (lambda: matrix(x, static_kernel=pysig.kernels.RBF), TypeError, "with parentheses"),
        (lambda: matrix(x, parameters={"bandwidth": 1.0}), ValueError, "names among scale of Lin"),
        (lambda: matrix(x, parameters=[1.0]), TypeError, "parameters: expected a dict"),
        (lambda: matrix(x, parameters={"scale": -1.0}), ValueError, "scale: expected a positive"),
        (
            lambda: matrix(x, parameters={"scale": torch.ones(1)}),
            ValueError,
            r"parameters\['scale'\]: expected a number or an array of shape \(\)",
        ),
        (lambda: matrix(x, transform=pysig.Time([1.0])), TypeError, "transform: expected numbers"),
        (lambda: matrix(x.to_sparse()), TypeError, "x: expected a dense tensor"),
        (lambda: mmd(x[:1], y, order=1), ValueError, "x: expected at least 2 paths for mmd"),
        (lambda: mmd(x, y, levels=True, depth=2), TypeError, "unexpected keyword.*levels"),
        (lambda: mmd(x, y, unbiased=2), (TypeError, ValueError), "unbiased: expected"),
        (lambda: mmd(x[0], y, order=1), ValueError, r"x: expected shape \(paths, length"),
    ]:
        with pytest.raises(error, match=message):
            call()


def test_nothing_is_computed_for_no_paths():
    x, y = torch.zeros(0, 4, 2, requires_grad=True), torch.zeros(2, 4, 2)
    value = signature_kernel_matrix(x, y, order=2)
    assert value.shape == (0, 2)
    value.sum().backward()
    assert x.grad.shape == (0, 4, 2)


def test_numpy_functions_refuse_tensors():
    path = torch.zeros(2, 3, 2)
    with pytest.raises(TypeError, match=r"Use pysig\.interop\.torch"):
        pysig.signature_kernel_matrix(path)
