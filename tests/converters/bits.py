"""Arrays and PyTorch tensors compared bit for bit: NaN payloads and the signs of zeros count."""


def assert_same_bits(array, tensor):
    import torch

    tensor = tensor.detach().contiguous()
    assert array.shape == tuple(tensor.shape)
    assert array.dtype.name == str(tensor.dtype).removeprefix("torch.")
    assert array.tobytes() == tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
