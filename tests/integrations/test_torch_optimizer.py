"""A proximal optimiser is an optimiser like any other: state, copies, schedules, closures, wrappers; refusals by name."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest

import taut

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn


def small() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))


RULES = {"*.bias": None, "*": taut.L1()}
X = torch.linspace(-1, 1, 48).reshape(8, 6)


def made(model: Any, lam: float = 0.05, **options: Any) -> Any:
    return taut.torch.proximal(
        torch.optim.Adam(model.parameters(), lr=0.01, **options), taut.torch.Regularizer(model, RULES, lam)
    )


def run(model: Any, optimizer: Any, steps: int = 20) -> Any:
    for _ in range(steps):
        optimizer.zero_grad()
        (model(X) ** 2).mean().backward()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_it_is_an_optimizer() -> None:
    model = small()
    optimizer = made(model)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert optimizer.param_groups is optimizer.optimizer.param_groups
    assert optimizer.defaults["lr"] == 0.01
    assert "Adam" in repr(optimizer)


def test_state_dict_resumes_exactly() -> None:
    whole = run(model := small(), made(model), 40)
    first, state = small(), None
    optimizer = made(first)
    run(first, optimizer)
    state = pickle.loads(pickle.dumps(optimizer.state_dict()))
    weights = copy.deepcopy(first.state_dict())
    second = small()
    second.load_state_dict(weights)
    resumed = made(second)
    resumed.load_state_dict(state)
    assert torch.equal(run(second, resumed), whole)


@pytest.mark.parametrize(
    "twin_of", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"]
)
def test_copies_go_on_alike(twin_of: Any) -> None:
    model = small()
    optimizer = made(model)
    run(model, optimizer)
    twin_model, twin = twin_of((model, optimizer))
    assert torch.equal(run(twin_model, twin), run(model, optimizer))
    assert (twin_model[0].weight == 0).any()


def test_schedulers_drive_it() -> None:
    model = small()
    optimizer = made(model)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    run(model, optimizer, 1)
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == schedule.get_last_lr()[0]
    with pytest.raises(TypeError, match="Optimizer"):
        taut.torch.proximal(schedule, taut.torch.Regularizer(model, RULES))


def test_closures_return_the_loss_and_it_is_printed() -> None:
    model = small()
    reg = taut.torch.Regularizer(model, RULES, 0.05)
    optimizer = taut.torch.proximal(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), reg)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (model(X) ** 2).mean()
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    assert loss.item() > 0
    assert f"beside a data loss of {loss.item():.4g}" in str(reg)


def test_groups_may_come_later_and_have_their_own_rate() -> None:
    model = small()
    reg = taut.torch.Regularizer(model, {"*.weight": taut.L1(), "*": None}, lam=1e6)
    inner = torch.optim.Adam([{"params": model[0].parameters(), "lr": 0.0}])
    optimizer = taut.torch.proximal(inner, reg)
    optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 0.01})
    run(model, optimizer, 1)
    assert not (model[0].weight == 0).any()
    assert (model[2].weight == 0).all()


def test_frozen_parameters_are_left_alone() -> None:
    model = small()
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    run(model, made(model, lam=10.0))
    assert torch.equal(model[0].weight, before)
    assert (model[2].weight == 0).all()


def test_clipped_gradients_keep_the_prox() -> None:
    model = small()
    optimizer = made(model, lam=1.0)
    for _ in range(50):
        optimizer.zero_grad()
        (model(X) ** 2).mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
    assert (model[0].weight == 0).all()


def test_compiled_and_parallel_models_go_by_their_plain_names() -> None:
    wrapped = [torch.compile(small()), nn.DataParallel(small())]
    nested = small()
    nested[0] = torch.compile(nested[0])
    for model in (*wrapped, nested):
        reg = taut.torch.Regularizer(model, {"0.weight": taut.L1(), "*": None})
        assert [one.name for one in reg.terms] == ["0.weight"]


def test_a_compiled_model_ends_where_the_plain_one_does() -> None:
    """In the order of a user: compile, then regularize what was compiled."""
    plain, compiled = small(), torch.compile(small(), backend="aot_eager")
    reference, found = (run(model, made(model, lam=0.5), 60) for model in (plain, compiled))
    assert (reference == 0).any()
    assert ((reference == 0) == (found == 0)).all()
    assert torch.allclose(reference, found, rtol=1e-4, atol=1e-6)


def test_tied_weights_are_penalised_once_under_either_name() -> None:
    model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
    model["b"].weight = model["a"].weight
    reg = taut.torch.Regularizer(model, {"b.weight": taut.L1(), "*": None})
    assert [one.name for one in reg.terms] == ["a.weight"]


def test_a_parametrization_that_keeps_zeros_is_taken_the_others_refused() -> None:
    class Halved(nn.Module):
        def forward(self, w: Any) -> Any:
            return w / 2

    model = small()
    nn.utils.parametrize.register_parametrization(model[0], "weight", Halved())
    reg = taut.torch.Regularizer(model, {"0.weight": taut.L1(), "*": None})
    assert [one.name for one in reg.terms] == ["0.weight"]
    for wrap in (nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.orthogonal):
        model = small()
        wrap(model[0])
        with pytest.raises(ValueError, match=r"0\..*parametrized"):
            taut.torch.Regularizer(model, RULES)


REFUSED = {
    "LBFGS": lambda p: torch.optim.LBFGS(p),
    "SparseAdam": lambda p: torch.optim.SparseAdam(p),
    r"RMSprop\(centered=True\)": lambda p: torch.optim.RMSprop(p, centered=True),
    "Adamax": lambda p: torch.optim.Adamax(p),
    "ASGD": lambda p: torch.optim.ASGD(p),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_known_step_is_refused_by_name(name: str) -> None:
    model = small()
    with pytest.raises(ValueError, match=name):
        taut.torch.proximal(REFUSED[name](list(model.parameters())), taut.torch.Regularizer(model, RULES))


def test_a_metric_may_be_given() -> None:
    model, twin = small(), small()
    inner = torch.optim.Adamax(model.parameters(), lr=0.01)
    reg = taut.torch.Regularizer(model, RULES, lam=0.05)

    def step(group: Any, state: Any) -> Any:
        return group["lr"] / (state["exp_inf"] + group["eps"])

    weights = run(model, taut.torch.proximal(inner, reg, metric=step))
    run(twin, torch.optim.Adamax(twin.parameters(), lr=0.01))
    assert (weights == 0).any()


def test_rules_that_decide_nothing_are_errors() -> None:
    model = small()
    cases = [
        ({"0.wieght": taut.L1()}, "matches no parameter: did you mean '0.weight'"),
        ({"*": taut.L1(), "*.bias": None}, "earlier rules match all that it does"),
    ]
    for rules, words in cases:
        with pytest.raises(ValueError, match=words):
            taut.torch.Regularizer(model, rules)
    with pytest.raises(TypeError, match=r"taut\.L1"):
        taut.torch.Regularizer(model, {"*": "l1"})
    with pytest.raises(ValueError, match=r"0\.weight.*factors has 2 entries for 6"):
        taut.torch.Regularizer(model, {"0.weight": taut.L1(factors=[1, 2]), "*": None})
    with pytest.raises(ValueError, match="holds no parameter that reg penalises"):
        taut.torch.proximal(torch.optim.Adam(small().parameters()), taut.torch.Regularizer(model, RULES))


def test_sharded_and_sparse_parameters_are_refused() -> None:
    class FullyShardedDataParallel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

    with pytest.raises(ValueError, match="FSDP"):
        taut.torch.Regularizer(FullyShardedDataParallel(), {"*": taut.L1()})
    with pytest.raises(ValueError, match="FSDP"):
        taut.torch.Regularizer(nn.Sequential(FullyShardedDataParallel()), {"*": taut.L1()})
    model = nn.Embedding(5, 2, sparse=True)
    reg = taut.torch.Regularizer(model, {"*": taut.L1()})
    optimizer = taut.torch.proximal(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), reg)
    model(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(ValueError, match="weight has sparse gradients"):
        optimizer.step()


def test_grouped_convolutions_refuse_the_groups_they_lack() -> None:
    model = nn.Conv2d(4, 4, 3, groups=2)
    with pytest.raises(ValueError, match="grouped convolution"):
        taut.torch.Regularizer(model, {"weight": taut.GroupLasso(), "*": None})
    taut.torch.Regularizer(model, {"weight": taut.NeuronLasso(), "*": None})


def test_the_account_counts_what_is_there() -> None:
    model = small()
    reg = taut.torch.Regularizer(model, {"2.bias": None, "*.weight": taut.L1()}, lam=0.5)
    with torch.no_grad():
        model[0].weight[:2] = 0
        model[0].weight[:, 0] = 0
    text, numbers = str(reg), reg.log(loss=0.25)
    assert reg.unmatched == ["0.bias"]
    assert "no rule matches" in text
    assert "5 of 6" in text
    assert "3 of 5" in text
    assert numbers["zeros"] == 12 + 3
    assert numbers["live_neurons/0.weight"] == 3
    omega = 0.5 * sum(float(model[k].weight.detach().abs().sum()) for k in (0, 2))
    assert numbers["penalty"] == pytest.approx(omega, rel=1e-6)
    assert numbers["objective"] == pytest.approx(omega + 0.25, rel=1e-6)
    assert float(reg.value().detach()) == pytest.approx(omega, rel=1e-6)
    assert "residual" not in numbers
    (model(X) ** 2).mean().backward()
    g = [model[k].weight.grad for k in (0, 2)]
    distances = [
        taut.L1(0.5).distance(model[k].weight.detach(), one) for k, one in zip((0, 2), g, strict=True)
    ]
    wanted = sum(float((d**2).sum()) for d in distances) ** 0.5
    assert reg.log()["residual"] == pytest.approx(wanted, rel=1e-5)


def test_the_slope_of_the_value_is_0_at_0() -> None:
    model = small()
    with torch.no_grad():
        model[0].weight[0] = 0
    reg = taut.torch.Regularizer(model, RULES)
    reg.value().backward()
    assert (model[0].weight.grad[0] == 0).all()
    assert (model[0].weight.grad[1:].abs() == 1).all()


def test_the_report_is_a_page(tmp_path: Any) -> None:
    model = nn.ModuleDict({"<script>": nn.Linear(2, 3)})
    reg = taut.torch.Regularizer(model, RULES, lam=0.1)
    page = reg.report(tmp_path / "net.html", loss=1.5).read_text(encoding="utf-8")
    assert "&lt;script&gt;.weight" in page
    assert "beside a data loss of 1.5" in page
    assert "<script>.weight" not in page
    assert page.count("<figure>") == 1
    assert "0 of 6 exactly zero" in page


def test_the_report_counts_the_dead_and_draws_the_living(tmp_path: Any) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, -1.0], [0.0, 0.0], [0.5, 0.5]]))
        model[1].weight.zero_()
    reg = taut.torch.Regularizer(model, {"*.bias": None, "*": taut.L1()}, lam=0.1)
    page = reg.report(tmp_path / "net.html").read_text(encoding="utf-8")
    assert "2 of 3 neurons of 0.weight" in page
    assert "0 of 3 inputs of 1.weight" in page
    (drawn,) = re.findall("<figure>.*?</figure>", page)
    assert "Weights of 0.weight, 2 of 6 exactly zero" in drawn
    heights = [float(h) for h in re.findall(r'class="column c0".*?height="([0-9.]+)"', drawn)]
    assert len(heights) == 41
    tallest = max(heights)
    assert [k for k, h in enumerate(heights) if h > 0] == [0, 30, 40]
    assert heights[30] == tallest
    assert heights[0] == heights[40] == pytest.approx(tallest / 2**0.5, abs=0.1)


def test_the_modules_are_attributes() -> None:
    import taut.torch

    assert taut.torch.proximal is not None
    assert "torch" in dir(taut)
