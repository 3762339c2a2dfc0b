"""Small networks as their authors wrote them down, in PyTorch."""


def outlier_exposure():
    """Returns the network for MNIST of hendrycks/outlier-exposure, MNIST/models/convnet.py."""
    import torch
    from torch import nn

    class Gelu(nn.Module):
        def forward(self, x):
            return torch.sigmoid(1.702 * x) * x

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
            self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)
            self.pool = nn.MaxPool2d(2)
            self.gelu1, self.gelu2, self.gelu3 = Gelu(), Gelu(), Gelu()

        def forward(self, x):
            x = self.gelu1(self.pool(self.conv1(x)))
            x = self.gelu2(self.pool(self.conv2(x)))
            return self.fc2(self.gelu3(self.fc1(x.flatten(1))))

    return Network()


def convex_adversarial(channels, side):
    """Returns the small network of locuslab/convex_adversarial, examples/problems.py."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(channels, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * (side // 4) ** 2, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


def fully_connected(*, pixels, flatten=True, named=False):
    """Returns dense layers with ReLU between them, in a Sequential with or without Flatten, or named fc1, fc2, fc3."""
    from torch import nn

    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Linear(pixels, 30), nn.Linear(30, 20), nn.Linear(20, 7)
            self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()

        def forward(self, x):
            return self.fc3(self.relu2(self.fc2(self.relu1(self.fc1(x.flatten(1))))))

    class Flattened(nn.Sequential):
        def forward(self, x):
            return super().forward(x if flatten else x.flatten(1))

    if named:
        return Named()
    layers = [nn.Linear(pixels, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 7)]
    return Flattened(*([nn.Flatten()] if flatten else []), *layers)
