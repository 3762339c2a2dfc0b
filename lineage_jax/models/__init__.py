"""Flax vision networks whose stages are named modules, so that any of them can be tapped as a feature layer.

Images are float `[n, h, w, c]`. Every network has `taps`, its feature layers from input to output, and the name of its
`head`. A classifier returns logits `[n, c]`; its head is a dense layer that the last tap feeds. U-Net returns logits of
every pixel `[n, h, w, c]`; networks for segmentation and object detection return dictionaries of arrays, as torchvision
names them, and their heads are modules of several layers. `network.apply(variables, images)` evaluates;
`network.apply(variables, images, train=True, mutable=["batch_stats"])` trains where a network normalises batches.
"""

from lineage_jax.models._alexnet import AlexNet as AlexNet
from lineage_jax.models._alexnet import alexnet as alexnet
from lineage_jax.models._architectures import ARCHITECTURES as ARCHITECTURES
from lineage_jax.models._architectures import build as build
from lineage_jax.models._architectures import init as init
from lineage_jax.models._checkpoint import SavedNetwork as SavedNetwork
from lineage_jax.models._checkpoint import describe as describe
from lineage_jax.models._checkpoint import load_network as load_network
from lineage_jax.models._checkpoint import restore_network as restore_network
from lineage_jax.models._checkpoint import save_network as save_network
from lineage_jax.models._checkpoint import shapes_of as shapes_of
from lineage_jax.models._cifar_resnet import CifarResNet as CifarResNet
from lineage_jax.models._cifar_resnet import cifar_resnet20 as cifar_resnet20
from lineage_jax.models._cifar_resnet import cifar_resnet32 as cifar_resnet32
from lineage_jax.models._cifar_resnet import cifar_resnet44 as cifar_resnet44
from lineage_jax.models._cifar_resnet import cifar_resnet56 as cifar_resnet56
from lineage_jax.models._convnet import ConvNet as ConvNet
from lineage_jax.models._convnet import convnet as convnet
from lineage_jax.models._convnext import ConvNeXt as ConvNeXt
from lineage_jax.models._convnext import convnext_tiny as convnext_tiny
from lineage_jax.models._densenet import DenseNet as DenseNet
from lineage_jax.models._densenet import densenet121 as densenet121
from lineage_jax.models._efficientnet import EfficientNet as EfficientNet
from lineage_jax.models._efficientnet import efficientnet_b0 as efficientnet_b0
from lineage_jax.models._fc import FC as FC
from lineage_jax.models._fc import fc as fc
from lineage_jax.models._lraspp import LRASPP as LRASPP
from lineage_jax.models._lraspp import lraspp_mobilenet_v3_large as lraspp_mobilenet_v3_large
from lineage_jax.models._mobilenet_v2 import MobileNetV2 as MobileNetV2
from lineage_jax.models._mobilenet_v2 import mobilenet_v2 as mobilenet_v2
from lineage_jax.models._mobilenet_v3 import MobileNetV3 as MobileNetV3
from lineage_jax.models._mobilenet_v3 import mobilenet_v3_large as mobilenet_v3_large
from lineage_jax.models._mobilenet_v3 import mobilenet_v3_small as mobilenet_v3_small
from lineage_jax.models._object_detection import FCOS as FCOS
from lineage_jax.models._object_detection import RetinaNet as RetinaNet
from lineage_jax.models._object_detection import fcos_resnet50_fpn as fcos_resnet50_fpn
from lineage_jax.models._object_detection import retinanet_resnet50_fpn as retinanet_resnet50_fpn
from lineage_jax.models._resnet import ResNet as ResNet
from lineage_jax.models._resnet import resnet18 as resnet18
from lineage_jax.models._resnet import resnet34 as resnet34
from lineage_jax.models._resnet import resnet50 as resnet50
from lineage_jax.models._resnet import resnet101 as resnet101
from lineage_jax.models._resnet import resnext50_32x4d as resnext50_32x4d
from lineage_jax.models._resnet import wide_resnet50_2 as wide_resnet50_2
from lineage_jax.models._segmentation import SegmentationNetwork as SegmentationNetwork
from lineage_jax.models._segmentation import deeplabv3_resnet50 as deeplabv3_resnet50
from lineage_jax.models._segmentation import fcn_resnet50 as fcn_resnet50
from lineage_jax.models._small_convnets import ConvexAdversarialConvNet as ConvexAdversarialConvNet
from lineage_jax.models._small_convnets import OutlierExposureConvNet as OutlierExposureConvNet
from lineage_jax.models._small_convnets import convex_adversarial_convnet as convex_adversarial_convnet
from lineage_jax.models._small_convnets import outlier_exposure_convnet as outlier_exposure_convnet
from lineage_jax.models._ssdlite import SSDLite as SSDLite
from lineage_jax.models._ssdlite import ssdlite320_mobilenet_v3_large as ssdlite320_mobilenet_v3_large
from lineage_jax.models._unet import UNet as UNet
from lineage_jax.models._unet import unet as unet
from lineage_jax.models._vgg import VGG as VGG
from lineage_jax.models._vgg import vgg11 as vgg11
from lineage_jax.models._vgg import vgg11_bn as vgg11_bn
from lineage_jax.models._vgg import vgg16 as vgg16
from lineage_jax.models._vgg import vgg16_bn as vgg16_bn
from lineage_jax.models._vit import ViT as ViT
from lineage_jax.models._vit import vit_base_patch16 as vit_base_patch16
from lineage_jax.models._vit import vit_base_patch32 as vit_base_patch32
from lineage_jax.models._vit import vit_large_patch16 as vit_large_patch16
from lineage_jax.models._vit import vit_large_patch32 as vit_large_patch32
from lineage_jax.models._vit import vit_small_patch16 as vit_small_patch16
from lineage_jax.models._vit import vit_small_patch32 as vit_small_patch32
from lineage_jax.models._vit import vit_tiny_patch16 as vit_tiny_patch16
from lineage_jax.models._wide_resnet import CifarWideResNet as CifarWideResNet
from lineage_jax.models._wide_resnet import cifar_wide_resnet16_1 as cifar_wide_resnet16_1
from lineage_jax.models._wide_resnet import cifar_wide_resnet40_2 as cifar_wide_resnet40_2
