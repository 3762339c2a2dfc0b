"""Residual networks for CIFAR-10 in PyTorch, after the figures of their papers, with the names of published files."""

import itertools


def resnet(depth, *, projected, num_classes=10):
    """Makes a ResNet: akamaster's names, or distiller's, whose shortcuts are projected."""
    import torch
    from torch import nn
    from torch.nn import functional

    class PaddedShortcut(nn.Module):
        def __init__(self, new, stride):
            super().__init__()
            self.new, self.stride = new, stride

        def forward(self, x):
            x = x[:, :, :: self.stride, :: self.stride]
            return functional.pad(x, (0, 0, 0, 0, self.new // 2, self.new // 2))

    def shortcut(before, width, stride):
        if before == width:
            return nn.Identity()
        if not projected:
            return PaddedShortcut(width - before, stride)
        return nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    class Block(nn.Module):
        def __init__(self, before, width, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.downsample = shortcut(before, width, stride)

        def forward(self, x):
            y = torch.relu(self.bn1(self.conv1(x)))
            return torch.relu(self.bn2(self.conv2(y)) + self.downsample(x))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            for number, (before, width) in enumerate(itertools.pairwise((16, 16, 32, 64)), start=1):
                blocks = [Block(before, width, min(number, 2))]
                blocks += [Block(width, width, 1) for _ in range((depth - 2) // 6 - 1)]
                setattr(self, f"layer{number}", nn.Sequential(*blocks))
            setattr(self, "fc" if projected else "linear", nn.Linear(64, num_classes))

        def forward(self, x):
            x = torch.relu(self.bn1(self.conv1(x)))
            x = self.layer3(self.layer2(self.layer1(x)))
            return (self.fc if projected else self.linear)(x.mean((2, 3)))

    return Network()


def wide_resnet(depth, width, *, num_classes=10):
    """Makes a wide ResNet with xternalz's names; normalisation and activation before each convolution."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, before, width, stride):
            super().__init__()
            self.bn1 = nn.BatchNorm2d(before)
            self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            if before != width:
                self.convShortcut = nn.Conv2d(before, width, 1, stride, bias=False)

        def forward(self, x):
            active = torch.relu(self.bn1(x))
            y = self.conv2(torch.relu(self.bn2(self.conv1(active))))
            return y + (self.convShortcut(active) if hasattr(self, "convShortcut") else x)

    class Stage(nn.Module):
        def __init__(self, before, width, stride):
            super().__init__()
            blocks = [Block(before, width, stride)]
            blocks += [Block(width, width, 1) for _ in range((depth - 4) // 6 - 1)]
            self.layer = nn.Sequential(*blocks)

        def forward(self, x):
            return self.layer(x)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
            self.block1 = Stage(16, 16 * width, 1)
            self.block2 = Stage(16 * width, 32 * width, 2)
            self.block3 = Stage(32 * width, 64 * width, 2)
            self.bn1 = nn.BatchNorm2d(64 * width)
            self.relu = nn.ReLU()
            self.fc = nn.Linear(64 * width, num_classes)

        def forward(self, x):
            x = self.block3(self.block2(self.block1(self.conv1(x))))
            return self.fc(self.relu(self.bn1(x)).mean((2, 3)))

    return Network()
