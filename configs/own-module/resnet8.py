"""A ResNet-8 for small images: three stages of one residual block (He et al. 2016, sec. 4.2).

Nothing here is regbench's: a function of the shape of an example and the number of outputs, with
keywords that a study may set or sweep, gives a torch.nn.Module.
"""

from torch import Tensor, nn


class Block(nn.Module):
    """relu(x + f(x)), where f is two convolutions; the first may halve the image."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.dropout = nn.Dropout()  # at the study's rate, regularizer.dropout
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.skip = nn.Identity() if (before, stride) == (after, 1) else nn.Sequential(
            nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) to (B, after, H / stride, W / stride)."""
        y = self.norm1(self.first(x)).relu()
        return (self.norm2(self.second(self.dropout(y))) + self.skip(x)).relu()


def make(shape: tuple[int, int, int], outputs: int, width: int = 16) -> nn.Module:
    """Of images (channels, height, width): three blocks of width, 2 width and 4 width channels."""
    return nn.Sequential(
        *(nn.Conv2d(shape[0], width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
        Block(width, width, 1),
        Block(width, 2 * width, 2),
        Block(2 * width, 4 * width, 2),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, outputs)),
    )
