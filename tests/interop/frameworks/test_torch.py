"""`pysig.interop.torch`: values, derivatives of both orders, torch.compile, torch.func, errors."""

from __future__ import annotations

import numpy as np
import pytest

import pysig

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed (pip install pysig-signatures[torch])"
)

from pysig.interop._operator import Operator  # noqa: E402
from pysig.interop.torch import logsignature, signature  # noqa: E402

# PyTorch's own use of what it deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")

OPTIONS = [
    {},
    {"stream": True, "scalar_term": True},
    {"inverse": True, "basepoint": True},
    {"lengths": [3, 5]},
    {"transform": ["time", "lead_lag"], "stream": True},
    {"words": [(0,), (0, 0, 0)]},
]


def tensor(*shape, seed=0):
    rng = np.random.default_rng([seed, *shape])
    return torch.tensor(rng.normal(size=shape), requires_grad=True)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_those_of_numpy(options, dtype):
    path = tensor(2, 5, 3).detach().to(dtype)
    value = signature(path, 3, **options)
    assert value.dtype == dtype
    np.testing.assert_array_equal(value.numpy(), pysig.signature(path.numpy(), 3, **options))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("channels", [1, 2])
def test_gradcheck_of_both_orders(options, channels):
    path = tensor(2, 5, channels)

    def function(p):
        return signature(p, 3, **options)

    assert torch.autograd.gradcheck(function, [path], check_forward_ad=True)
    assert torch.autograd.gradgradcheck(function, [path], check_fwd_over_rev=True)


def test_gradcheck_by_basepoint_and_initial():
    path, base, initial = tensor(3, 4, 2), tensor(2), tensor(3, 14)

    def function(p, b, i):
        return signature(p, 3, basepoint=b, initial=i, stream=True)

    assert torch.autograd.gradcheck(function, [path, base, initial], check_forward_ad=True)
    assert torch.autograd.gradgradcheck(
        function, [path, base, initial], check_rev_over_rev=True, check_fwd_over_rev=True
    )


def test_the_third_derivative_is_refused():
    path = tensor(4, 2)
    first = torch.autograd.grad(signature(path, 3).sum(), path, create_graph=True)[0]
    second = torch.autograd.grad((first**2).sum(), path, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match=r" of signature of order 1 or 2, .*order 3"):
        torch.autograd.grad(second.sum(), path)
    first = torch.autograd.grad(logsignature(path, 3)[2], path, create_graph=True)[0]
    second = torch.autograd.grad((first**2).sum(), path, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match=r" of logsignature of order 1 or 2, .*order 3"):
        torch.autograd.grad(second.sum(), path)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)
def test_torch_compile_traces_without_breaks():
    def loss(p):
        return (signature(2 * p, 3, basepoint=True) ** 2).sum()

    path = tensor(2, 5, 3)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    expected = torch.autograd.grad(loss(path), path)[0]
    assert torch.equal(compiled(path), loss(path))
    assert torch.equal(torch.autograd.grad(compiled(path), path)[0], expected)


def test_compiled_functions_take_all_options_and_new_lengths():
    def features(p, n):
        signed = signature(p, 2, lengths=n, stream=True, scalar_term=True, method="tile")
        return signed, logsignature(p, 3, basis="brackets", basepoint=p[..., 0, :])

    compiled = torch.compile(features, fullgraph=True, backend="aot_eager", dynamic=True)
    for length in (4, 7):
        path, lengths = tensor(2, length, 3).detach(), torch.tensor([3, 4])
        for got, expected in zip(compiled(path, lengths), features(path, lengths), strict=True):
            assert torch.equal(got, expected)


def test_opcheck_of_the_family():
    path, base, lengths = tensor(2, 5, 3).detach(), tensor(2, 3).detach(), torch.tensor([3, 5])
    options = (("scalar_term", True), ("stream", True))
    operator = Operator("signature", 3, options, ("path", "basepoint", "lengths"))
    operands = [path, base, lengths]
    (cotangent,) = torch.ops.pysig.apply(operands, operator.text)
    for tangents, backward in ((0, False), (1, False), (0, True), (1, True), (2, False)):
        one = operator._replace(tangents=tangents, backward=backward)
        full = [*operands, *[cotangent] * backward, *[path, base] * tangents]
        torch.library.opcheck(torch.ops.pysig.apply.default, (full, one.text))


@pytest.mark.parametrize("basis", ["words", "brackets", "hall", "expanded"])
def test_logsignatures(basis):
    path, base = tensor(2, 5, 2), tensor(2)

    def function(p, b):
        return logsignature(p, 3, basis=basis, basepoint=b, stream=True)

    arrays = path.detach().numpy(), base.detach().numpy()
    expected = pysig.logsignature(arrays[0], 3, basis=basis, basepoint=arrays[1], stream=True)
    np.testing.assert_array_equal(function(path, base).detach().numpy(), expected)
    assert torch.autograd.gradcheck(function, [path, base], check_forward_ad=True)
    assert torch.autograd.gradgradcheck(function, [path, base], check_fwd_over_rev=True)


@pytest.mark.parametrize("dim", [0, 1])
def test_vmap(dim):
    path, base = tensor(4, 2, 5, 3).detach(), tensor(2, 3).detach()
    moved = path.movedim(0, dim)
    value = torch.func.vmap(lambda p: signature(p, 2, basepoint=base), in_dims=dim)(moved)
    assert torch.equal(value, signature(path, 2, basepoint=base))
    bases = tensor(4, 3).detach()
    value = torch.func.vmap(lambda b: signature(path[0], 2, basepoint=b))(bases)
    # A batch of another size is cut into other chunks of time.
    expected = torch.stack([signature(path[0], 2, basepoint=b) for b in bases])
    torch.testing.assert_close(value, expected, rtol=1e-13, atol=1e-14)


def test_gradients_of_each_path_by_vmap_of_grad():
    path, base = tensor(4, 5, 3).detach(), tensor(3).detach()

    def loss(p, b):
        return (signature(p, 3, basepoint=b) ** 2).sum()

    gradients = torch.func.vmap(torch.func.grad(loss, argnums=(0, 1)), in_dims=(0, None))(
        path, base
    )
    for k, p in enumerate(path):
        for got, expected in zip(
            gradients, torch.func.grad(loss, argnums=(0, 1))(p, base), strict=True
        ):
            torch.testing.assert_close(got[k], expected, rtol=1e-12, atol=1e-12)
    again = torch.autograd.functional.hessian(lambda p: loss(p, base), path[0])
    modes = [torch.func.jacfwd, torch.func.jacrev]
    for outer, inner in [(outer, inner) for outer in modes for inner in modes]:
        hessian = outer(inner(lambda p: loss(p, base)))(path[0])
        torch.testing.assert_close(hessian, again, rtol=1e-12, atol=1e-12)


def test_forward_mode():
    path, base, moved = tensor(4, 3).detach(), tensor(3).detach(), tensor(4, 3, seed=1).detach()
    value, change = torch.func.jvp(lambda p: signature(p, 3, basepoint=base), (path,), (moved,))
    assert torch.equal(value, signature(path, 3, basepoint=base))
    expected = pysig.signature_jvp(path.numpy(), 3, moved.numpy(), basepoint=base.numpy())
    np.testing.assert_array_equal(change.numpy(), expected)


def test_memory_is_shared_and_not_changed():
    path = tensor(7, 2).detach()
    before = path.clone()
    signature(path[::2].T.contiguous().T, 2)
    assert torch.equal(path, before)


def test_errors_are_those_of_pysig():
    with pytest.raises(TypeError, match=r"path: expected a torch\.Tensor, received ndarray"):
        signature(np.zeros((3, 2)), 2)
    with pytest.raises(TypeError, match=r"path: .*received float16"):
        signature(torch.zeros(3, 2, dtype=torch.float16), 2)
    with pytest.raises(ValueError, match=r"path: expected shape \(\.\.\., length, channels\)"):
        signature(torch.zeros(3), 2)
    with pytest.raises(ValueError, match=r"basepoint: expected a shape .* \(2,\), received \(3,\)"):
        signature(torch.zeros(3, 2), 2, basepoint=torch.zeros(3))
    with pytest.raises(ValueError, match="lengths: expected integers from 1"):
        signature(torch.zeros(3, 2), 2, lengths=4)
    with pytest.raises(
        TypeError, match=r"^out: expected None, because .* received Tensor\. Leave it out\.$"
    ):
        signature(torch.zeros(3, 2), 2, out=torch.zeros(6))
    with pytest.raises(ValueError, match="depth"):
        signature(torch.zeros(3, 2), 0)
    with pytest.raises(TypeError, match=r"^path: expected a dense tensor.*sparse_coo.*to_dense"):
        signature(torch.zeros(3, 2).to_sparse(), 2)
    with pytest.raises(TypeError, match=r"^path: expected a tensor on the CPU or a CUDA.*meta\."):
        signature(torch.zeros(3, 2, device="meta"), 2)


def test_numpy_functions_refuse_tensors():
    path = torch.zeros(3, 2, requires_grad=True)
    for value in (path, path.detach(), [path, path]):
        with pytest.raises(TypeError, match=r"^path.* Use pysig\.interop\.torch"):
            pysig.signature(value, 2)


def transformer_of(path):
    pytest.importorskip("sklearn")
    from pysig.interop.sklearn import SignatureTransformer

    return SignatureTransformer(depth=2).fit(path)


def kernel_of(path):
    pytest.importorskip("sklearn")
    from pysig.interop.sklearn import SignatureKernel

    return SignatureKernel(2)(path)


@pytest.mark.parametrize(
    "function", [lambda path: pysig.signature(path, 2), transformer_of, kernel_of]
)
@pytest.mark.parametrize(
    "change",
    [
        lambda path: path,
        lambda path: path.requires_grad_(),
        lambda path: path.bfloat16(),
        lambda path: path.half(),
        lambda path: path.to("meta"),
        lambda path: path.to_sparse(),
    ],
    ids=["plain", "gradient", "bfloat16", "half", "meta", "sparse"],
)
def test_every_kind_of_tensor_is_sent_to_interop(function, change):
    path = change(torch.zeros(2, 3, 2))
    says = r"received Tensor of torch.* Use pysig\.interop\.torch, or"
    with pytest.raises(TypeError, match=says):
        function(path)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_refused_with_the_conversion(dtype):
    path = torch.zeros(3, 2, dtype=getattr(torch, dtype))
    with pytest.raises(TypeError, match=rf"^path: .*received {dtype}. Convert it to float32\."):
        signature(path, 2)


def test_the_examples(examples):
    examples("torch", "PyTorch")
