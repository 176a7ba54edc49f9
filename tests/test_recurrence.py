"""The paths of the recurrence: one set of weights, one result. torch.nn.LSTM is what they are held against."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy
from tunes import quickly

import musicexp.model.steps as steps
from musicexp.errors import RunError
from musicexp.model import MusicLSTM, Resolved, Stepper, resolve
from musicexp.model.dropout import dropout
from musicexp.model.native import INSTRUCTION_SETS, BuildError, Kernels, build, load
from musicexp.model.recurrence import Machine, Recurrence
from musicexp.model.recurrence.hoisted import HoistedLayer
from musicexp.model.recurrence.native import NativeLayer

torch.set_num_threads(2)  # two, so that the threads' meeting is tested, on machines with one core too
BUILT = load()
needs_kernels = pytest.mark.skipif(BUILT is None, reason="the kernels are not built: no C++ compiler")
FLAGS = torch.cpu.get_capabilities()
RUNS_HERE = {
    "portable": True,
    "avx2": FLAGS.get("avx2", False),
    "avx512": FLAGS.get("avx512_f", False),
    "avx512bf16": FLAGS.get("avx512_bf16", False),
}
SETS = [
    pytest.param(name, marks=pytest.mark.skipif(not RUNS_HERE[name], reason=f"this processor lacks {name}"))
    for name in INSTRUCTION_SETS
]
VOCABULARY = 11


def kernels(instruction_set: str = "") -> Kernels:
    found = load(instruction_set=instruction_set or None)
    assert found is not None
    return found


def path(name: str, *, bf16: bool = False) -> Recurrence:
    """A path by name; native ones by their instruction set."""
    if name == "hoisted":
        return Recurrence(HoistedLayer(bf16=bf16))
    return Recurrence(NativeLayer(bf16=bf16, kernels=kernels(name)))


PATHS = ["hoisted", *(pytest.param(*param.values, marks=(*param.marks, needs_kernels)) for param in SETS)]


def model(recurrence: Recurrence | None, *, layers: int, hidden: int, embedding: int = 5) -> MusicLSTM:
    torch.manual_seed(0)
    return MusicLSTM(
        VOCABULARY,
        num_layers=layers,
        hidden_size=hidden,
        embedding_dim=embedding,
        dropout=0.0,
        recurrence=recurrence,
    )


def figures(net: MusicLSTM, ids_BT: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    """Logits, last state and every gradient of a loss that all outputs and the last state reach."""
    net = net.to(dtype)
    random = torch.Generator().manual_seed(1)
    shape = net.lstm.num_layers, len(ids_BT), net.lstm.hidden_size
    hidden, cell = (
        (torch.randn(shape, generator=random, dtype=torch.float64) * 0.5).to(dtype).requires_grad_()
        for _ in range(2)
    )
    logits, state = net(ids_BT, (hidden, cell))
    weights = torch.randn(logits.shape, generator=random, dtype=torch.float64).to(dtype)
    loss = (logits * weights).sum() + state.hidden_LBH.sum() + (state.cell_LBH**2).sum()
    loss.backward()
    found = {"logits": logits, "hidden": state.hidden_LBH, "cell": state.cell_LBH}
    found |= {"d hidden": hidden.grad, "d cell": cell.grad}
    return found | {f"d {name}": value.grad for name, value in net.named_parameters()}


def furthest(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    """The largest difference of any figure, as a share of the largest value of that figure (at least 1)."""
    assert found.keys() == wanted.keys()
    return max(
        ((found[key].double() - value.double()).abs().max() / value.abs().max().clamp(min=1)).item()
        for key, value in wanted.items()
    )


def ids(rows: int, time: int) -> Tensor:
    return torch.randint(0, VOCABULARY, (rows, time), generator=torch.Generator().manual_seed(2))


SHAPES = [
    (1, 1, 1, 1),
    (1, 1, 7, 2),
    (3, 6, 17, 1),
    (7, 5, 33, 2),
    (13, 4, 64, 1),
    (16, 3, 100, 1),
    (2, 9, 40, 3),
]
"""Rows, time, hidden size, layers: one of each, and sizes that fit no vector."""


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_every_path_is_nn_lstm(name: str, dtype: torch.dtype, within: float) -> None:
    """Outputs, states and all gradients, by table (many tokens) and by product (fewer than the vocabulary)."""
    for rows, time, hidden, layers in [*SHAPES, (12, 50, 128, 2)]:
        batch = ids(rows, time)
        wanted = figures(model(None, layers=layers, hidden=hidden), batch, torch.float64)
        found = figures(model(path(name), layers=layers, hidden=hidden), batch, dtype)
        assert furthest(found, wanted) < within, (rows, time, hidden, layers)


@pytest.mark.parametrize("name", PATHS)
def test_bf16_rounds_products_and_nothing_else(name: str) -> None:
    """Three significant digits. On processors without the instruction the same products are made in fp32."""
    for rows, time, hidden, layers in SHAPES[2:]:
        batch = ids(rows, time)
        wanted = figures(model(None, layers=layers, hidden=hidden), batch, torch.float64)
        found = figures(model(path(name, bf16=True), layers=layers, hidden=hidden), batch, torch.float32)
        assert 1e-5 < furthest(found, wanted) < 2e-2, (rows, time, hidden, layers)


@pytest.mark.parametrize("name", PATHS)
def test_a_gradient_is_what_differences_say(name: str) -> None:
    net = model(path(name), layers=2, hidden=6).double()
    batch = ids(3, 5)

    def loss() -> Tensor:
        return cross_entropy(net(batch)[0].flatten(0, 1), ids(3, 5).flatten())

    loss().backward()  # type: ignore[no-untyped-call]
    for parameter in net.parameters():
        assert parameter.grad is not None
        flat = parameter.data.view(-1)
        for at in range(0, len(flat), max(1, len(flat) // 5)):
            before, values = flat[at].item(), []
            for step in (1e-5, -1e-5):
                flat[at] = before + step
                values.append(loss().item())
            flat[at] = before
            wanted = (values[0] - values[1]) / 2e-5
            assert parameter.grad.view(-1)[at].item() == pytest.approx(wanted, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("name", PATHS)
def test_windows_with_a_carried_state_are_one_pass(name: str) -> None:
    net, batch = model(path(name), layers=2, hidden=20).double().eval(), ids(3, 12)
    whole, end = net(batch)
    parts, state = [], None
    for part in (batch[:, :1], batch[:, 1:5], batch[:, 5:]):
        logits, state = net(part, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=0, atol=1e-13)
    assert state is not None
    torch.testing.assert_close(state.cell_LBH, end.cell_LBH, rtol=0, atol=1e-13)


@needs_kernels
@quickly
@given(st.integers(3, 40), st.integers(1, 40), st.booleans())
def test_a_native_row_does_not_depend_on_the_rows_beside_it(rows: int, hidden: int, bf16: bool) -> None:
    """To the last bit: sums run in the order of the hidden units, whatever the shape of the block."""
    net = model(path("", bf16=bf16), layers=2, hidden=hidden).eval()
    with torch.inference_mode():
        batch = ids(rows, 4)
        together = net.recurrence(net.embedding, net.lstm, batch, None, 0.0)[0]  # type: ignore[misc]
        for first in {0, rows // 2 - 1, rows - 3}:  # three rows have enough tokens for the table too
            fewer = net.recurrence(net.embedding, net.lstm, batch[first : first + 3], None, 0.0)[0]  # type: ignore[misc]
            assert torch.equal(fewer, together[first : first + 3])


def rows_of_steps(net: MusicLSTM, batch: NDArray[np.int64], bf16: bool) -> list[NDArray[np.float64]]:
    stepper = Stepper(net, bf16=bf16)
    return [stepper(column) for column in batch.T]


@needs_kernels
@quickly
@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 3), st.booleans())
def test_a_native_melody_does_not_depend_on_how_many_are_drawn_beside_it(
    rows: int, hidden: int, layers: int, bf16: bool
) -> None:
    net = model(None, layers=layers, hidden=hidden).eval()
    batch = ids(rows, 3).numpy()
    together = rows_of_steps(net, batch, bf16)
    for row in {0, rows // 2, rows - 1}:
        alone = rows_of_steps(net, batch[row : row + 1], bf16)
        for one, all_of_them in zip(alone, together, strict=True):
            assert (one[0] == all_of_them[row]).all()


@pytest.mark.parametrize("native", [pytest.param(True, marks=needs_kernels), False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_single_steps_are_the_model(
    native: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.setattr(steps, "load", lambda: None)
    for rows, _, hidden, layers in SHAPES:
        net, batch = model(None, layers=layers, hidden=hidden).to(dtype).eval(), ids(rows, 6)
        wanted = net(batch)[0].double().log_softmax(-1)
        stepper = Stepper(net)
        stepper.read(batch[:, :2].numpy())
        for t in range(2, 6):
            found = torch.from_numpy(stepper(batch[:, t].numpy()))
            atol = 1e-5 if dtype == torch.float32 else 1e-12
            torch.testing.assert_close(found, wanted[:, t], rtol=0, atol=atol)


@needs_kernels
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("bf16", [False, True])
def test_instruction_sets_agree(name: str, bf16: bool) -> None:
    """Each sums over k in the same order; only whether a product is rounded before the sum may differ."""
    random = torch.Generator().manual_seed(3)
    a, b, bias = (torch.randn(shape, generator=random) for shape in ((67, 301), (45, 301), (45,)))
    found = kernels(name).product(a, b, bf16=bf16, bias_N=bias)
    rounded = (a.bfloat16().double(), b.bfloat16().double()) if bf16 else (a.double(), b.double())
    wanted = rounded[0] @ rounded[1].t() + bias.double()
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=5e-5)
    turned = kernels(name).product(a.t().contiguous().t(), b.t().contiguous().t(), bf16=bf16, bias_N=bias)
    assert torch.equal(turned, found), "a transpose is only another way to lie in memory"


@needs_kernels
def test_numbers_that_are_none_stay_so() -> None:
    """A diverged run is found by its loss: tanh and bf16 must not make numbers of nan."""
    for bf16 in (False, True):
        net = model(path("", bf16=bf16), layers=1, hidden=20)
        dict(net.lstm.named_parameters())["weight_hh_l0"].data[3, 3] = float("nan")
        logits_BTV, _ = net(ids(2, 12))
        assert logits_BTV.isnan().any()


@pytest.mark.parametrize("name", PATHS)
def test_saturated_gates_stay_within_bounds(name: str) -> None:
    net = model(path(name), layers=1, hidden=20)
    for parameter in net.lstm.parameters():
        parameter.data *= 300
    assert net.recurrence is not None
    hidden, cell = net.recurrence(net.embedding, net.lstm, ids(4, 12), None, 0.0)
    assert hidden.abs().max() <= 1
    assert cell[1].abs().max() <= 12 + 1e-5


@needs_kernels
def test_a_second_backward_pass_is_refused() -> None:
    """The first one computes the gradients where the activations were."""
    loss = model(path(""), layers=1, hidden=4)(ids(2, 9))[0].sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="second backward pass"):
        loss.backward()


def test_dropout_keeps_the_mean_and_scales_what_stays() -> None:
    torch.manual_seed(0)
    values = torch.ones(1000, 101)
    for p in (0.1, 0.5, 0.9):
        found = dropout(values, p)
        assert (found == 0).double().mean().item() == pytest.approx(p, abs=0.005)
        assert found.max().item() == pytest.approx(1 / (1 - p), rel=1e-4)
    assert dropout(values, 0.0) is values
    torch.manual_seed(5)
    one = dropout(values, 0.3)
    torch.manual_seed(5)
    assert torch.equal(one, dropout(values, 0.3)), "it draws from torch's generator, which checkpoints keep"


CPU = Machine("cpu", bf16=False, native=True)
BF16 = Machine("cpu", bf16=True, native=True)
BARE = Machine("cpu", bf16=False, native=False)
GPU = Machine("cuda", bf16=True, native=True)


@pytest.mark.parametrize(
    ("asked", "hidden", "here", "recurrence", "precision"),
    [
        (("auto", "auto"), 256, CPU, "native", "fp32"),
        (("auto", "auto"), 256, BF16, "native", "bf16"),
        (("auto", "fp32"), 256, BF16, "native", "fp32"),
        (("auto", "fp64"), 256, BF16, "native", "fp64"),
        (("auto", "auto"), 256, BARE, "torch", "fp32"),
        (("auto", "auto"), 1024, BARE, "torch", "fp32"),
        (("auto", "fp32"), 1024, Machine("cpu", bf16=True, native=False), "torch", "fp32"),
        (("auto", "auto"), 256, Machine("cpu", bf16=True, native=False), "torch", "fp32"),
        (("auto", "auto"), 1024, Machine("cpu", bf16=True, native=False), "hoisted", "bf16"),
        (("auto", "auto"), 1024, GPU, "torch", "fp32"),
        (("torch", "auto"), 1024, BF16, "torch", "fp32"),
        (("hoisted", "auto"), 8, CPU, "hoisted", "fp32"),
    ],
)
def test_auto_is_a_table(
    asked: tuple[str, str], hidden: int, here: Machine, recurrence: str, precision: str
) -> None:
    assert resolve(*asked, hidden, 2, here) == Resolved(recurrence, precision, 2)


@pytest.mark.parametrize(
    ("asked", "here", "what"),
    [
        (("native", "fp32"), BARE, "make setup"),
        (("hoisted", "fp32"), GPU, "recurrence=torch"),
        (("torch", "bf16"), BF16, "recurrence=native"),
        (("auto", "bf16"), CPU, "AVX512-BF16"),
    ],
)
def test_what_cannot_be_had_is_refused(asked: tuple[str, str], here: Machine, what: str) -> None:
    with pytest.raises(RunError, match=what):
        resolve(*asked, 1024, 2, here)


def test_without_a_compiler_setup_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import musicexp.model.native.building as building

    monkeypatch.setattr(building, "library", lambda: tmp_path / "kernels.so")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(BuildError, match="no C\\+\\+ compiler"):
        build()
    assert load() is None


@needs_kernels
@pytest.mark.slow
def test_the_kernels_compile_without_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import musicexp.model.native.building as building

    monkeypatch.setattr(building, "BUILT", tmp_path / "built")
    monkeypatch.setattr(building, "library", lambda: tmp_path / "built" / "kernels-of-a-test.so")
    monkeypatch.setattr(building, "FLAGS", (*building.FLAGS, "-Werror"))
    assert build().is_file()


@pytest.mark.slow
@needs_kernels
def test_no_compiler_runs_in_a_run() -> None:
    """The library is built by `make setup`; loading it starts no process."""
    code = "import subprocess, musicexp.model.native as n; subprocess.Popen = None; assert n.load()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_kernels_a_melody_hardly_depends_on_those_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product of another number of rows sums in another order: within 1e-5, far from what a draw would notice."""
    monkeypatch.setattr(steps, "load", lambda: None)
    net, batch = model(None, layers=2, hidden=64).eval(), ids(64, 8).numpy()
    for one, other in zip(
        rows_of_steps(net, batch[:1], False), rows_of_steps(net, batch, False), strict=True
    ):
        np.testing.assert_allclose(one[0], other[0], rtol=0, atol=1e-5)


def test_clipping_by_the_optimizer_is_clipping() -> None:
    """Adam's fused kernel divides by the norm as it reads the gradients; clip_grad_norm_ would write them first."""
    from musicexp.config import compose
    from musicexp.training.module import LSTMModule, new_optimizer

    config = compose(["optimizer.clip=0.5", "lr=0.01"])
    ours, plain = (model(None, layers=1, hidden=8) for _ in range(2))
    optimizers = [new_optimizer(net, config) for net in (ours, plain)]
    module = LSTMModule(ours, config)
    for size in (30.0, 1e-3):  # clipped, and not
        for net, optimizer in zip((ours, plain), optimizers, strict=True):
            optimizer.zero_grad()
            (net(ids(3, 9))[0].square().mean() * size).backward()
            if net is ours:
                module.configure_gradient_clipping(optimizer, config.optimizer.clip)
            else:
                torch.nn.utils.clip_grad_norm_(net.parameters(), config.optimizer.clip)
            optimizer.step()
        for one, other in zip(ours.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", PATHS)
def test_rows_of_several_lengths_share_a_batch(name: str) -> None:
    """Padding behind a piece changes nothing of it, and a gradient that is masked there reaches nothing else."""
    net, batch = model(path(name), layers=2, hidden=20).double(), ids(3, 12)
    lengths = [12, 7, 1]
    padded = batch.clone()
    for row, length in enumerate(lengths):
        padded[row, length:] = 0
    targets = ids(3, 12).roll(1, 1)
    for row, length in enumerate(lengths):
        targets[row, length:] = -100
    together = cross_entropy(net(padded)[0].flatten(0, 1), targets.flatten(), reduction="sum")
    together.backward()  # type: ignore[no-untyped-call]
    found = [parameter.grad.clone() for parameter in net.parameters() if parameter.grad is not None]
    net.zero_grad()
    alone = sum(
        cross_entropy(net(batch[row : row + 1, :length])[0][0], targets[row, :length], reduction="sum")
        for row, length in enumerate(lengths)
    )
    assert isinstance(alone, Tensor)
    alone.backward()  # type: ignore[no-untyped-call]
    assert together.item() == pytest.approx(alone.item(), abs=1e-10)
    for one, parameter in zip(found, net.parameters(), strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(one, parameter.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", PATHS)
def test_dropout_stands_where_nn_lstm_has_it(name: str) -> None:
    """On the embedding, between layers and before the head; nowhere in evaluation, and its draws are the global ones."""
    torch.manual_seed(0)
    net = MusicLSTM(
        VOCABULARY, num_layers=2, hidden_size=20, embedding_dim=5, dropout=0.4, recurrence=path(name)
    ).double()
    batch = ids(3, 12)
    torch.manual_seed(1)
    one, other = net(batch)[0], net(batch)[0]
    assert not torch.equal(one, other)
    torch.manual_seed(1)
    assert torch.equal(net(batch)[0], one)
    singles = [torch.nn.LSTM(size, 20).double() for size in (5, 20)]
    theirs = dict(net.lstm.named_parameters())
    for layer, single in enumerate(singles):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        single.load_state_dict({f"{name}_l0": theirs[f"{name}_l{layer}"] for name in names})
    torch.manual_seed(1)
    values = singles[0](dropout(net.embedding(batch.t().contiguous()), 0.4))[0]
    values = singles[1](dropout(values, 0.4))[0]
    wanted = net.head(dropout(values.transpose(0, 1), 0.4))
    torch.testing.assert_close(one, wanted, rtol=0, atol=1e-12)
    torch.testing.assert_close(net.eval()(batch)[0], model_of(net)(batch)[0], rtol=0, atol=1e-12)


def model_of(net: MusicLSTM) -> MusicLSTM:
    """The same weights, computed by torch."""
    other = model(None, layers=net.lstm.num_layers, hidden=net.lstm.hidden_size).double()
    other.load_state_dict(net.state_dict())
    return other.eval()
