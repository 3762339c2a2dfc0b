"""Flax vision networks whose stages are named modules, so that any of them can be tapped as a feature layer.

Images are `[n, h, w, c]`. Every network has `taps`, its feature layers from input to output, of which the last feeds
the dense layer named `head`. `network.apply(variables, images)` evaluates;
`network.apply(variables, images, train=True, mutable=["batch_stats"])` trains.
"""

from lineage_jax.models._architectures import ARCHITECTURES as ARCHITECTURES
from lineage_jax.models._architectures import build as build
from lineage_jax.models._architectures import init as init
from lineage_jax.models._checkpoint import SavedNetwork as SavedNetwork
from lineage_jax.models._checkpoint import describe as describe
from lineage_jax.models._checkpoint import load_network as load_network
from lineage_jax.models._checkpoint import save_network as save_network
from lineage_jax.models._cifar_resnet import CifarResNet as CifarResNet
from lineage_jax.models._cifar_resnet import cifar_resnet20 as cifar_resnet20
from lineage_jax.models._cifar_resnet import cifar_resnet32 as cifar_resnet32
from lineage_jax.models._cifar_resnet import cifar_resnet44 as cifar_resnet44
from lineage_jax.models._cifar_resnet import cifar_resnet56 as cifar_resnet56
from lineage_jax.models._convnet import ConvNet as ConvNet
from lineage_jax.models._convnet import convnet as convnet
from lineage_jax.models._fc import FC as FC
from lineage_jax.models._fc import fc as fc
from lineage_jax.models._resnet import ResNet as ResNet
from lineage_jax.models._resnet import resnet18 as resnet18
