"""Makes neural_tangents.npz: kernels and expansions by neural-tangents 0.6.5, which runs on jax 0.5.3 and not later.

python -m venv nt && nt/bin/pip install jax==0.5.3 jaxlib==0.5.3 && nt/bin/pip install --no-deps neural-tangents==0.6.5
nt/bin/python make_neural_tangents.py
"""

import sys
import types
from pathlib import Path

# importing the experimental part would need TensorFlow
sys.modules["neural_tangents.experimental"] = types.ModuleType("neural_tangents.experimental")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import neural_tangents as nt  # noqa: E402
import numpy as np  # noqa: E402

jax.config.update("jax_enable_x64", True)


def mlp(activation):
    return lambda p, x: activation(x @ p["w1"] + p["b1"]) @ p["w2"]


def conv(p, x):
    hidden = jax.lax.conv_general_dilated(x, p["w1"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jnp.tanh(hidden).mean(axis=(1, 2)) @ p["w2"]


NETWORKS = {"tanh": mlp(jnp.tanh), "relu": mlp(jax.nn.relu), "conv": conv}


def arrays(name, rng):
    draw = lambda *shape: rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
    if name == "conv":
        return {"w1": draw(3, 3, 2, 5), "w2": draw(5, 3)}, draw(4, 5, 5, 2) * 5, draw(3, 5, 5, 2) * 5
    return {"w1": draw(6, 8), "b1": draw(8), "w2": draw(8, 3)}, draw(4, 6) * 2, draw(3, 6) * 2


def main():
    rng = np.random.default_rng(0)
    out = {"versions": f"neural-tangents {nt.__version__}, jax {jax.__version__}, numpy {np.__version__}, float64"}
    for name, f in NETWORKS.items():
        parent, x1, x2 = arrays(name, rng)
        child = {key: value + 0.3 * rng.normal(size=value.shape) for key, value in parent.items()}
        kernel = lambda axes, f=f: nt.empirical_ntk_fn(
            f, trace_axes=axes, vmap_axes=0, implementation=nt.NtkImplementation.JACOBIAN_CONTRACTION
        )
        over = lambda x, p=parent, f=f: lambda q: f(q, x)
        out |= {f"{name}/parent/{key}": value for key, value in parent.items()}
        out |= {f"{name}/child/{key}": value for key, value in child.items()}
        out |= {f"{name}/x1": x1, f"{name}/x2": x2}
        out[f"{name}/ntk"] = kernel(())(x1, x2, parent)
        out[f"{name}/trace"] = kernel((-1,))(x1, x2, parent)
        out[f"{name}/linear"] = nt.linearize(over(x1), parent)(child)
        out[f"{name}/degree1"] = nt.taylor_expand(over(x1), parent, 1)(child)
        out[f"{name}/degree2"] = nt.taylor_expand(over(x1), parent, 2)(child)
    np.savez_compressed(Path(__file__).with_name("neural_tangents.npz"), **out)
    print(out["versions"], {key: np.shape(value) for key, value in out.items()})


if __name__ == "__main__":
    main()
