"""A compact network has the same outputs, or one sentence says what stood in the way."""

from __future__ import annotations

from typing import Any

import pytest

import taut

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn, functional = torch.nn, torch.nn.functional


def compacted(model: Any, *example: Any, tol: float = 1e-12) -> Any:
    """The compact model, checked against the model on other inputs than the example's."""
    model = model.double()
    small = taut.torch.Regularizer(model, {"*": taut.L1()}).compact(tuple(x.double() for x in example))
    torch.manual_seed(5)
    others = [torch.randn_like(x.double()) for x in example]
    with torch.no_grad():
        assert (model.eval()(*others) - small.eval()(*others)).abs().max() < tol
    return small


def kill(layer: Any, *channels: int, bias: float | None = None) -> None:
    with torch.no_grad():
        layer.weight[list(channels)] = 0
        if bias is not None:
            layer.bias[list(channels)] = bias


def unread(layer: Any, *inputs: int) -> None:
    with torch.no_grad():
        layer.weight[:, list(inputs)] = 0


def convolutional(padding: int) -> Any:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=padding), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3, padding=padding),
        nn.Tanh(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 10), nn.GELU(), nn.Linear(10, 3),
    )  # fmt: skip
    for _ in range(3):
        model(torch.randn(16, 1, 14, 14))  # statistics of the normalization
    return model


def test_neurons_die_from_either_side() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(5, 8), nn.Sigmoid(), nn.Linear(8, 7, bias=False), nn.ReLU(), nn.Linear(7, 2)
    )
    kill(model[0], 0, 3, bias=0.7)  # constant, and not 0: into the next bias, which there was not
    unread(model[2], 5)
    kill(model[2], 1)
    small = compacted(model, torch.randn(4, 5))
    assert [(one.in_features, one.out_features) for one in (small[0], small[2], small[4])] == [
        (5, 5),
        (5, 6),
        (6, 2),
    ]
    assert small[2].bias is not None


def test_death_spreads_until_nothing_changes() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 1)
    )
    unread(model[6], 0, 1)
    with torch.no_grad():
        model[4].weight[2:, 3] = 0  # input 3 is read by 0 and 1 alone, which are not read
        model[2].weight[[0, 1, 2, 4, 5], 2] = 0
    small = compacted(model, torch.randn(3, 4))
    assert [small[k].out_features for k in (0, 2, 4)] == [5, 5, 4]


@pytest.mark.parametrize("padding", [0, 1])
def test_channels_of_convolutions(padding: int) -> None:
    """Behind padding a constant channel that is not 0 is no constant at the borders, so it stays."""
    model = convolutional(padding)
    kill(model[0], 1, 6, bias=0.3)
    kill(model[4], 0, 5, bias=-0.4)
    unread(model[8], 8, 9, 10, 11)
    with torch.no_grad():  # channel 1 is 0 behind the ReLU, channel 6 is not
        model[1].weight.fill_(1.0)
        model[1].bias.copy_(torch.tensor([0.0, -9.0, 0, 0, 0, 0, 9.0, 0]))
    small = compacted(model, torch.randn(2, 1, 14, 14))
    assert small[0].out_channels == small[1].num_features == small[4].in_channels == (7 if padding else 6)
    assert small[4].out_channels == 3
    assert small[8].in_features == 12


def test_a_forward_of_ones_own_is_followed() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Conv1d(2, 4, 3), nn.Linear(16, 6), nn.Linear(6, 2)

        def forward(self, x: Any) -> Any:
            x = functional.max_pool1d(torch.relu(self.a(x)), 2)
            x = x.view(x.size(0), -1)
            return self.c(functional.dropout(functional.silu(self.b(x)), 0.5, self.training))

    torch.manual_seed(0)
    model = Net()
    kill(model.a, 2, bias=0.5)
    kill(model.b, 0, 4)
    small = compacted(model, torch.randn(3, 2, 10))
    assert (small.a.out_channels, small.b.in_features, small.b.out_features) == (3, 12, 4)
    assert small.training is False


def test_two_readers_keep_what_either_reads() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.left, self.right = nn.Linear(3, 5), nn.Linear(5, 2), nn.Linear(5, 2)

        def forward(self, x: Any) -> Any:
            x = torch.tanh(self.body(x))
            return self.left(x) + self.right(x)

    torch.manual_seed(0)
    model = Two()
    unread(model.left, 0, 1)
    unread(model.right, 1, 2)
    kill(model.body, 4)
    small = compacted(model, torch.randn(2, 3))
    assert small.body.out_features == 3


def test_positions_share_a_linear_layer() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.GELU(), nn.Linear(6, 2))
    kill(model[0], 0, 5, bias=1.0)
    assert compacted(model, torch.randn(2, 7, 3))[0].out_features == 4


def test_a_layer_that_died_keeps_one_neuron() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2))
    kill(model[0], *range(6))
    assert compacted(model, torch.randn(2, 3))[0].out_features == 1


def test_outputs_stay_as_many_as_they_are() -> None:
    model = nn.Sequential(nn.Linear(3, 4))
    kill(model[0], 1)
    assert compacted(model, torch.randn(2, 3))[0].out_features == 4


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.first(x))
        return self.head(x + self.second(x))


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return self.first(x) if x.sum() > 0 else x


def test_what_stands_in_the_way_is_named() -> None:
    torch.manual_seed(0)
    normalized = nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.Linear(5, 2))
    tied = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    tied[2].weight = tied[0].weight
    twice = nn.Linear(4, 4)
    reused = nn.Sequential(twice, nn.ReLU(), twice)
    grouped = nn.Sequential(nn.Conv1d(2, 4, 3), nn.Conv1d(4, 4, 3, groups=2))
    cases = [
        (Residual(), "first", (4,), "the operation add.*2 dead channels of first"),
        (normalized, "0", (4,), r"1 \(LayerNorm\).*dead channels of 0"),
        (tied, "0", (4,), "shared with another module"),
        (reused, "0", (4,), "called more than once"),
        (grouped, "0", (2, 9), "1, a grouped convolution"),
        (Branching(), "first", (4,), "can not follow Branching"),
    ]
    for model, layer, shape, words in cases:
        kill(model.get_submodule(layer), 0, 2)
        with pytest.raises(ValueError, match=words):
            compacted(model, torch.randn(3, *shape))


def test_without_anything_dead_nothing_stands_in_the_way() -> None:
    assert compacted(Residual(), torch.randn(2, 4)).first.out_features == 4
