"""The tables of a .tflite file that fxsim looks into, as data: one string per table, its fields in slot order.

A field reads ``name:type`` as in the schema file: scalars by their name, ``[int]`` a vector of scalars, ``string``,
``Table`` and ``[Table]`` references, ``union`` a table whose type is the field before, ``ref`` a reference of which
only the presence counts, ``-`` a field that is never looked at.

Source: tensorflow/compiler/mlir/lite/schema/schema.fbs as of TensorFlow 2.18.
"""

from __future__ import annotations

from dataclasses import dataclass

SCALAR_BYTES = {
    "bool": 1, "byte": 1, "ubyte": 1, "short": 2, "ushort": 2, "int": 4, "uint": 4, "float": 4, "long": 8, "ulong": 8,
    "double": 8,
}  # fmt: skip
"""Bytes of every scalar type of the schema language."""

STRUCTURE = {
    "Model": (
        "version:uint operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string buffers:[Buffer] "
        "metadata_buffer:- metadata:- signature_defs:-"
    ),
    "OperatorCode": "deprecated_builtin_code:byte custom_code:string version:int builtin_code:int",
    "SubGraph": ("tensors:[Tensor] inputs:[int] outputs:[int] operators:[Operator] name:string debug_metadata_index:-"),
    "Tensor": (
        "shape:[int] type:byte buffer:uint name:string quantization:QuantizationParameters is_variable:bool "
        "sparsity:ref shape_signature:- has_rank:- variant_tensors:-"
    ),
    "QuantizationParameters": (
        "min:- max:- scale:[float] zero_point:[long] details_type:ubyte details:- quantized_dimension:int"
    ),
    "Operator": (
        "opcode_index:uint inputs:[int] outputs:[int] builtin_options_type:ubyte builtin_options:union "
        "custom_options:- custom_options_format:- mutating_variable_inputs:- intermediates:- "
        "large_custom_options_offset:- large_custom_options_size:- builtin_options_2_type:- builtin_options_2:- "
        "debug_metadata_index:-"
    ),
    "Buffer": "data:[ubyte] offset:ulong size:ulong",
}
"""The tables every model has."""

OPTIONS = {
    "Conv2DOptions": (
        "padding:byte stride_w:int stride_h:int fused_activation_function:byte dilation_wfactor:int "
        "dilation_hfactor:int quantized_bias_type:byte"
    ),
    "DepthwiseConv2DOptions": (
        "padding:byte stride_w:int stride_h:int depth_multiplier:int fused_activation_function:byte "
        "dilation_wfactor:int dilation_hfactor:int"
    ),
    "ConcatEmbeddingsOptions": "num_channels:int num_columns_per_channel:[int] embedding_dim_per_channel:[int]",
    "LSHProjectionOptions": "type:byte",
    "Pool2DOptions": (
        "padding:byte stride_w:int stride_h:int filter_width:int filter_height:int fused_activation_function:byte"
    ),
    "SVDFOptions": "rank:int fused_activation_function:byte asymmetric_quantize_inputs:bool",
    "RNNOptions": "fused_activation_function:byte asymmetric_quantize_inputs:bool",
    "FullyConnectedOptions": (
        "fused_activation_function:byte weights_format:byte keep_num_dims:bool "
        "asymmetric_quantize_inputs:bool quantized_bias_type:byte"
    ),
    "SoftmaxOptions": "beta:float",
    "ConcatenationOptions": "axis:int fused_activation_function:byte",
    "AddOptions": "fused_activation_function:byte pot_scale_int16:bool",
    "L2NormOptions": "fused_activation_function:byte",
    "LocalResponseNormalizationOptions": "radius:int bias:float alpha:float beta:float",
    "LSTMOptions": (
        "fused_activation_function:byte cell_clip:float proj_clip:float kernel_type:byte "
        "asymmetric_quantize_inputs:bool"
    ),
    "ResizeBilinearOptions": "_:- _:- align_corners:bool half_pixel_centers:bool",
    "CallOptions": "subgraph:uint",
    "ReshapeOptions": "new_shape:[int]",
    "SkipGramOptions": "ngram_size:int max_skip_size:int include_all_ngrams:bool",
    "SpaceToDepthOptions": "block_size:int",
    "EmbeddingLookupSparseOptions": "combiner:byte",
    "MulOptions": "fused_activation_function:byte",
    "GatherOptions": "axis:int batch_dims:int",
    "ReducerOptions": "keep_dims:bool",
    "SubOptions": "fused_activation_function:byte pot_scale_int16:bool",
    "DivOptions": "fused_activation_function:byte",
    "SqueezeOptions": "squeeze_dims:[int]",
    "SequenceRNNOptions": "time_major:bool fused_activation_function:byte asymmetric_quantize_inputs:bool",
    "StridedSliceOptions": (
        "begin_mask:int end_mask:int ellipsis_mask:int new_axis_mask:int shrink_axis_mask:int offset:bool"
    ),
    "SplitOptions": "num_splits:int",
    "CastOptions": "in_data_type:byte out_data_type:byte",
    "ArgMaxOptions": "output_type:byte",
    "TransposeConvOptions": (
        "padding:byte stride_w:int stride_h:int fused_activation_function:byte quantized_bias_type:byte"
    ),
    "SparseToDenseOptions": "validate_indices:bool",
    "ShapeOptions": "out_type:byte",
    "ArgMinOptions": "output_type:byte",
    "FakeQuantOptions": "min:float max:float num_bits:int narrow_range:bool",
    "PackOptions": "values_count:int axis:int",
    "OneHotOptions": "axis:int",
    "UnpackOptions": "num:int axis:int",
    "BidirectionalSequenceLSTMOptions": (
        "fused_activation_function:byte cell_clip:float proj_clip:float merge_outputs:bool time_major:bool "
        "asymmetric_quantize_inputs:bool"
    ),
    "BidirectionalSequenceRNNOptions": (
        "time_major:bool fused_activation_function:byte merge_outputs:bool asymmetric_quantize_inputs:bool"
    ),
    "UnidirectionalSequenceLSTMOptions": (
        "fused_activation_function:byte cell_clip:float proj_clip:float time_major:bool "
        "asymmetric_quantize_inputs:bool diagonal_recurrent_tensors:bool"
    ),
    "ResizeNearestNeighborOptions": "align_corners:bool half_pixel_centers:bool",
    "LeakyReluOptions": "alpha:float",
    "MirrorPadOptions": "mode:byte",
    "SplitVOptions": "num_splits:int",
    "UniqueOptions": "idx_out_type:byte",
    "ReverseSequenceOptions": "seq_dim:int batch_dim:int",
    "IfOptions": "then_subgraph_index:int else_subgraph_index:int",
    "WhileOptions": "cond_subgraph_index:int body_subgraph_index:int",
    "DepthToSpaceOptions": "block_size:int",
    "BatchMatMulOptions": "adj_x:bool adj_y:bool asymmetric_quantize_inputs:bool",
    "CumsumOptions": "exclusive:bool reverse:bool",
    "CallOnceOptions": "init_subgraph_index:int",
    "Conv3DOptions": (
        "padding:byte stride_d:int stride_w:int stride_h:int fused_activation_function:byte "
        "dilation_dfactor:int dilation_wfactor:int dilation_hfactor:int"
    ),
    "HashtableOptions": "table_id:int key_dtype:byte value_dtype:byte",
    "VarHandleOptions": "container:string shared_name:string",
    "RandomOptions": "seed:long seed2:long",
    "BucketizeOptions": "boundaries:[int]",
    "GeluOptions": "approximate:bool",
}
"""Option tables of `Operator.builtin_options`; one that is not listed has no fields."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One slot: what lies there and how far it reaches.

    Attributes
    ----------
    name
        Schema name.
    size
        Bytes in the table itself; 0 for a field that is never looked at.
    element
        Bytes of a vector's element; 0 where the field is no vector.
    table
        Referenced table; ``"*"`` for a union.
    """

    name: str
    size: int
    element: int = 0
    table: str = ""
    is_string: bool = False


def parse_field(text: str) -> FieldSpec:
    """Read one ``name:type``."""
    name, kind = text.split(":")
    if kind in SCALAR_BYTES:
        return FieldSpec(name, SCALAR_BYTES[kind])
    if kind in ("-", "ref"):
        return FieldSpec(name, 4 if kind == "ref" else 0)
    if kind == "string":
        return FieldSpec(name, 4, element=1, is_string=True)
    if kind == "union":
        return FieldSpec(name, 4, table="*")
    if kind.startswith("["):
        inner = kind.strip("[]")
        return FieldSpec(name, 4, element=SCALAR_BYTES.get(inner, 4), table="" if inner in SCALAR_BYTES else inner)
    return FieldSpec(name, 4, table=kind)


TABLES = {name: tuple(parse_field(text) for text in spec.split()) for name, spec in (STRUCTURE | OPTIONS).items()}
"""Every table by name: its slots."""
