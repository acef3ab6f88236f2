"""Who trains which stack where: this process or local workers."""
