"""U-Net in PyTorch, with the names of milesial/Pytorch-UNet."""


def unet(*, channels, num_classes, width, bilinear, bias):
    """Returns the network; `bias` as in the versions up to 2021."""
    import torch
    from torch import nn

    class DoubleConv(nn.Module):
        def __init__(self, before, after, middle=None):
            super().__init__()
            middle = middle or after
            first = [nn.Conv2d(before, middle, 3, padding=1, bias=bias), nn.BatchNorm2d(middle), nn.ReLU()]
            second = [nn.Conv2d(middle, after, 3, padding=1, bias=bias), nn.BatchNorm2d(after), nn.ReLU()]
            self.double_conv = nn.Sequential(*first, *second)

        def forward(self, x):
            return self.double_conv(x)

    class Down(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(before, after))

        def forward(self, x):
            return self.maxpool_conv(x)

    class Up(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            if bilinear:
                self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
                self.conv = DoubleConv(before, after, before // 2)
            else:
                self.up = nn.ConvTranspose2d(before, before // 2, 2, stride=2)
                self.conv = DoubleConv(before, after)

        def forward(self, x, earlier):
            x = self.up(x)
            rows, columns = (earlier.shape[axis] - x.shape[axis] for axis in (2, 3))
            border = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            return self.conv(torch.cat([earlier, nn.functional.pad(x, border)], dim=1))

    class Out(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(width, num_classes, 1)

        def forward(self, x):
            return self.conv(x)

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            factor = 2 if bilinear else 1
            self.inc = DoubleConv(channels, width)
            self.down1, self.down2 = Down(width, 2 * width), Down(2 * width, 4 * width)
            self.down3, self.down4 = Down(4 * width, 8 * width), Down(8 * width, 16 * width // factor)
            self.up1, self.up2 = Up(16 * width, 8 * width // factor), Up(8 * width, 4 * width // factor)
            self.up3, self.up4 = Up(4 * width, 2 * width // factor), Up(2 * width, width)
            self.outc = Out()

        def forward(self, x):
            x1 = self.inc(x)
            x2 = self.down1(x1)
            x3 = self.down2(x2)
            x4 = self.down3(x3)
            x = self.up1(self.down4(x4), x4)
            return self.outc(self.up4(self.up3(self.up2(x, x3), x2), x1))

    return UNet()
