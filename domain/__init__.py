"""The business: one package per bounded context, and the kernel they are written in."""
