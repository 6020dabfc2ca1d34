"""A trained network as one ONNX graph, from a table's columns or an image's bytes to its answers.

Operators of ai.onnx 17 and ai.onnx.ml 3 only, in format version 8, as runtimes since 2022 have
them; what later operator sets added (GELU, Mish, Swish) is written out in older ones.
"""
