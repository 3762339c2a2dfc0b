"""Which of several networks in a file is read, what is said of it, and how another is named."""

import numpy as np
import pytest

import converters
from tests.converters.handmade import Call, Name, Storages, legacy_file, ordered, zip_file

SHAPES = {
    "conv1.weight": (4, 3, 3, 3),
    "bn1.weight": (4,),
    "bn1.running_mean": (4,),
    "layer1.conv.weight": (4, 4, 3, 3),
    "fc.weight": (5, 4),
    "fc.bias": (5,),
}


def net(seed, shapes=SHAPES, prefix=""):
    rng = np.random.default_rng(seed)
    return {prefix + name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


JUDGE = {"main.0.weight": (4, 3, 3, 3), "main.1.weight": (1, 4, 4, 4)}
OTHER = {"trunk.0.weight": (9, 3), "trunk.1.weight": (9, 9)}


@pytest.fixture
def read(tmp_path):
    """Reads a file of nested dictionaries of arrays."""

    def read_value(value, nesting=None):
        storages = Storages()

        def described(part):
            if isinstance(part, np.ndarray):
                return storages.tensor(part)
            if isinstance(part, dict):
                return ordered({key: described(each) for key, each in part.items()})
            return [described(each) for each in part] if isinstance(part, list) else part

        (tmp_path / "a.pth").write_bytes(zip_file(described(value), storages))
        return converters.read(tmp_path / "a.pth", nesting=nesting)

    return read_value


def assert_same(checkpoint, expected):
    assert list(checkpoint.tensors) == list(expected)
    assert all(np.array_equal(checkpoint.tensors[name], array) for name, array in expected.items())


@pytest.mark.parametrize(
    ("names", "taken", "reason"),
    [
        (("student", "teacher"), "teacher", "average, which authors release"),
        (("encoder_q", "encoder_k"), "encoder_q", "it is the one that is trained"),
        (("online", "target"), "online", "it is the one that is trained"),
        (("online_network", "target_network"), "online_network", "it is the one that is trained"),
        (("net", "net_ema"), "net_ema", "averaged weights are what authors"),
        (("model", "model_ema"), "model_ema", "averaged weights are what authors"),
        (("base_encoder", "momentum_encoder"), "base_encoder", "another follows"),
        (("fold_a", "fold_b"), "fold_a", "no name tells"),
    ],
)
def test_of_networks_of_one_structure_the_usual_one_is_taken_and_said(read, names, taken, reason):
    nets = {name: net(seed) for seed, name in enumerate(names)}
    loss = {"center": np.ones((1, 9), np.float32)}
    optimizer = {"state": {0: {"exp_avg": np.ones((4, 4), np.float32)}}, "param_groups": []}
    checkpoint = read({**nets, "dino_loss": loss, "optimizer": optimizer, "epoch": 3})
    assert checkpoint.nesting == taken
    assert_same(checkpoint, nets[taken])
    (other,) = set(names) - {taken}
    (note,) = checkpoint.notes
    assert note.startswith(f"'{taken}' was taken: ")
    assert reason in note
    assert note.endswith(f"there are also {other}: choose with --nesting")
    assert checkpoint.others["dino_loss"] == checkpoint.others["optimizer"] == "1 tensor"
    assert_same(read({**nets, "epoch": 3}, nesting=other), nets[other])


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("student", "teacher"), "teacher"),
        (("module.encoder_q", "module.encoder_k"), "encoder_q"),
        (("online_encoder", "target_encoder"), "online_encoder"),
        (("model", "ema_model"), "ema_model"),
        (("model.net", "model.net_ema"), "model.net_ema"),
        (("backbone", "momentum_backbone"), "backbone"),
    ],
)
def test_a_flat_state_dict_is_split_alike(read, names, taken):
    nets = [net(seed) for seed in range(2)]
    flat = {f"{part}.{name}": array for part, of in zip(names, nets, strict=True) for name, array in of.items()}
    more = {"queue": np.ones((8, 64), np.float32), "criterion.weight": np.ones(5, np.float32)}
    wrapper = "module." if names[0].startswith("module.") else ""
    checkpoint = read({"state_dict": {**flat, **{wrapper + name: array for name, array in more.items()}}})
    place = [name.removeprefix("module.") for name in names].index(taken)
    assert checkpoint.nesting == f"state_dict.{taken}"
    assert {name: array.tolist() for name, array in checkpoint.weights.items()} == {
        name: array.tolist() for name, array in nets[place].items()
    }
    assert set(checkpoint.buffers) == set(more)
    other = names[1 - place].removeprefix("module.")
    assert f"state_dict.{other}: choose with --nesting" in checkpoint.notes[0]
    assert_same(read({"state_dict": flat}, nesting=f"state_dict.{other}"), nets[1 - place])
    assert len(read({"state_dict": flat}, nesting="state_dict").tensors) == 2 * len(SHAPES)


def test_an_average_beside_plain_names_is_found_with_a_dot_and_with_an_underscore(read):
    plain, average = net(0), net(1)
    for front in ("ema.", "ema_"):
        flat = plain | {front + name: array for name, array in average.items()}
        checkpoint = read(flat)
        assert checkpoint.nesting == "ema"
        assert_same(checkpoint, average)
        assert "there are also [rest]" in checkpoint.notes[0]
        assert_same(read(flat, nesting="[rest]"), plain)


def test_an_average_whose_names_lost_their_dots_gets_them_back_and_what_it_lacks(read):
    plain, average = net(0), {name: array for name, array in net(1).items() if "running" not in name}
    flat = {f"model.{name}": array for name, array in plain.items()}
    flat |= {f"model_ema.{name.replace('.', '')}": array for name, array in average.items()}
    checkpoint = read({**flat, "model_ema.decay": np.array(0.999, np.float32)})
    assert checkpoint.nesting == "model_ema"
    expected = {**average, "bn1.running_mean": plain["bn1.running_mean"]}
    assert {name: array.tolist() for name, array in checkpoint.weights.items()} == {
        name: array.tolist() for name, array in expected.items()
    }


def test_of_a_generator_its_average_and_a_judge_the_average_is_taken(read):
    nets = {"g": net(0), "d": net(1, JUDGE), "g_ema": net(2)}
    checkpoint = read({**nets, "g_optim": {"state": {}, "param_groups": []}, "ada_aug_p": 0.1})
    assert checkpoint.nesting == "g_ema"
    assert_same(checkpoint, nets["g_ema"])
    assert "there are also g, d: choose" in checkpoint.notes[0]
    assert read({"netD": net(1, JUDGE), "netG": net(0)}).nesting == "netG"
    flat = net(1, JUDGE, "discriminator.") | net(0, prefix="generator.")
    assert_same(read(flat), net(0))


def test_a_teacher_of_another_structure_is_not_what_distillation_makes(read):
    assert read({"teacher": net(0, OTHER), "student": net(1)}).nesting == "student"


def test_the_first_of_a_list_is_taken_and_said(read):
    checkpoint = read([net(0), net(1)])
    assert checkpoint.nesting == "[0]"
    assert_same(checkpoint, net(0))
    assert checkpoint.notes == (
        "'[0]' was taken: no name tells which is meant; there are also [1]: choose with --nesting",
    )


def test_copies_are_recognised(read):
    checkpoint = read({"student": net(0), "teacher": net(0)})
    assert checkpoint.notes[0].endswith("there are also student (a copy of it): choose with --nesting")
    flat = net(0, prefix="model.") | net(0, prefix="wrapped.") | {"other.bias": np.ones(3, np.float32)}
    doubled = read(flat)
    assert list(doubled.tensors) == [*net(0, prefix="model."), "other.bias"]
    assert doubled.notes == ("'wrapped' is a copy of 'model' and was left out",)
    changed = flat | {"wrapped.fc.bias": np.zeros(5, np.float32)}
    assert read(changed).notes == ()
    assert len(read(changed).tensors) == len(flat)


def test_modules_saved_one_by_one_are_put_together(read):
    checkpoint = read({"encoder": net(0), "decoder": net(1, OTHER), "optimizer": {"state": {}, "param_groups": []}})
    assert_same(checkpoint, net(0, prefix="encoder.") | net(1, OTHER, "decoder."))
    assert checkpoint.notes == ("encoder, decoder lie side by side and are read as modules of one network",)
    assert_same(read({"encoder": net(0), "decoder": net(1, OTHER)}, nesting="decoder"), net(1, OTHER))


@pytest.mark.parametrize(
    "names",
    [
        [f"layers.{n}.attn.{part}" for n in range(2) for part in ("q", "k", "v")],
        [f"blocks.{n}.{part}" for n in range(3) for part in ("conv1", "conv2")],
        [f"{branch}.{n}" for branch in ("left", "right") for n in range(3)],
        ["query.0", "query.1", "body.0", "body.1"],
        ["mlp.policy_net.0", "mlp.policy_net.2", "mlp.value_net.0", "mlp.value_net.2"],
    ],
)
def test_layers_that_repeat_are_one_network(read, names):
    rng = np.random.default_rng(0)
    body = {"body.0.weight": rng.normal(size=(9, 4)), "body.1.weight": rng.normal(size=(9, 9))}
    network = {f"{name}.weight": rng.normal(size=(4, 4)) for name in names if not name.startswith("body")}
    network |= body if "body.0" in names else {}
    checkpoint = read(network)
    assert checkpoint.notes == ()
    assert_same(checkpoint, network)


def test_an_unknown_name_is_refused_with_those_that_there_are(read):
    flat = {f"{part}.{name}": array for part in ("student", "teacher") for name, array in net(0).items()}
    with pytest.raises(converters.UnreadableFile) as caught:
        read({"state_dict": flat}, nesting="teachers")
    assert str(caught.value).endswith(
        "expected a network at teachers, got some at state_dict, state_dict.student, state_dict.teacher: "
        "name one of these"
    )


def test_modules_beside_each_other_are_chosen_alike(tmp_path):
    storages = Storages(None)
    described = {name: storages.tensor(array) for name, array in net(0).items()}
    parts = {"_parameters": ordered(described), "_buffers": {}, "_modules": {}}
    module = lambda: Call(Name("author.net", "Net"), state=parts)
    (tmp_path / "a.pt").write_bytes(legacy_file({"netG": module(), "netD": module()}, storages))
    assert converters.read(tmp_path / "a.pt").nesting == "netG"
